"""What people write and read: one module per kind, and the manifests made from them."""

GROUP = "kunlun.cloud"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
FINALIZER = f"{GROUP}/cleanup"
