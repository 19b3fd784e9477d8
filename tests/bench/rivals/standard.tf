# The standard request. What does not refer to each other is made at the same time.
terraform {
  required_providers {
    openstack = { source = "terraform-provider-openstack/openstack" }
  }
}

variable "name" { type = string }
variable "servers" { type = number }
variable "uplink" { type = string }
variable "pool" { type = string }
variable "cidr" { type = string }
variable "gateway" { type = string }
variable "first" { type = string }
variable "last" { type = string }
variable "addresses" { type = list(string) }
variable "flavor" { type = string }
variable "image" { type = string }
variable "source_nat" { type = bool }
variable "opened" { type = list(number) }

provider "openstack" {}

resource "openstack_networking_router_v2" "router" {
  name                = var.name
  external_network_id = var.uplink
  enable_snat         = var.source_nat
}

resource "openstack_networking_network_v2" "network" {
  name = var.name
}

resource "openstack_networking_subnet_v2" "subnet" {
  name          = var.name
  network_id    = openstack_networking_network_v2.network.id
  subnetpool_id = var.pool
  cidr          = var.cidr
  gateway_ip    = var.gateway
  allocation_pool {
    start = var.first
    end   = var.last
  }
}

resource "openstack_networking_router_interface_v2" "interface" {
  router_id = openstack_networking_router_v2.router.id
  subnet_id = openstack_networking_subnet_v2.subnet.id
}

resource "openstack_networking_secgroup_v2" "group" {
  name = var.name
}

resource "openstack_networking_secgroup_rule_v2" "rule" {
  count             = length(var.opened)
  security_group_id = openstack_networking_secgroup_v2.group.id
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  port_range_min    = var.opened[count.index]
  port_range_max    = var.opened[count.index]
  remote_ip_prefix  = "10.0.0.0/8"
}

resource "openstack_networking_port_v2" "port" {
  count              = var.servers
  name               = "${var.name}-${count.index}"
  network_id         = openstack_networking_network_v2.network.id
  security_group_ids = [openstack_networking_secgroup_v2.group.id]
  fixed_ip {
    subnet_id  = openstack_networking_subnet_v2.subnet.id
    ip_address = var.addresses[count.index]
  }
}

resource "openstack_compute_instance_v2" "server" {
  count     = var.servers
  name      = "${var.name}-${count.index}"
  flavor_id = var.flavor
  image_id  = var.image
  network {
    port = openstack_networking_port_v2.port[count.index].id
  }
}
