"""What people write and read: one module per kind, and the manifests made from them."""

GROUP = "kunlun.cloud"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
FINALIZER = f"{GROUP}/cleanup"
ABANDON = f"{GROUP}/abandon"
ABANDONED_BY = f"{GROUP}/abandoned-by"
OPERATOR_USER = "system:serviceaccount:kunlun-system:kunlun-operator"
