"""All of Nova in one process: API, conductor, scheduler and compute over an in-memory transport.

The order matters: the threading backend is chosen before anything of Nova is imported.
"""

# mypy: ignore-errors
# ruff: noqa: E402, I001

from nova import monkey_patch

monkey_patch.patch(backend="threading")

import os_brick
import os_vif

import nova.conf
from nova import objects, service
from nova.api.openstack import wsgi_app

application = wsgi_app.init_application("osapi_compute", "nova-api-os-compute")
objects.register_all()
os_vif.initialize()
os_brick.setup(nova.conf.CONF)

PARTS = (("conductor", {}), ("scheduler", {}), ("compute", {"topic_alt": "compute-alt"}))
SERVICES = [service.Service.create(binary=f"nova-{name}", topic=name, **more) for name, more in PARTS]
for each in SERVICES:
    each.start()
