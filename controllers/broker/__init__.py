"""The broker: where a browser meets a desktop. A program of its own, with a service account of its own.

`gate` decides who comes in (pure), `sessions` asks the API server and writes down what happened, `reach` is the one way
from here to a desktop, `rfb` sees whether somebody is at work, `relay` carries the bytes, and `service` is the web
server around it. It knows no desktop but the one that the operator has written into a session, keeps nothing, and
starts nothing.
"""
