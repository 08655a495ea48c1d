"""The preview as a service: real server processes, sockets, proxies and browsers, on the playground."""
