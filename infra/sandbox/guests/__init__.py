"""Guests: a body for every running server of the sandbox, since its hypervisor has none to give.

`facts` says what the cloud has, `passes` decides what has to be plugged in or out, `keeper` does so again and
again in a process of its own. A guest is a network namespace at the switch (`wiring`) with a root, a hostname
and processes of its own (`body`): packets, security groups, SSH and playbooks are real, and what a playbook
changes stays in the guest. Beyond each zone's uplink stands an outside host (`outside`). `inside` runs commands
in any of them; `clearing` leaves nothing.
"""
