"""HAProxy and nginx as people put them in front: configurations as the operating guide has them."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from support.edge import eventually
from support.network import free_ports
from support.programs import program
from support.tls import Pair


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def _running(command: list[str], port: int) -> Iterator[int]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as front:
        try:
            eventually(lambda: _listening(port), 10)
            yield port
        finally:
            front.terminate()


@contextlib.contextmanager
def haproxy(folder: Path, port: int, *, send: str, pair: Pair | None = None) -> Iterator[int]:
    """HAProxy that passes connections on with a PROXY header, TLS ended there if it has a pair."""
    mine = free_ports(1)
    bound = f"127.0.0.1:{mine}"
    if pair is not None:
        both = folder / "both.pem"
        both.write_bytes(pair.certificate.read_bytes() + pair.key.read_bytes())
        bound += f" ssl crt {both} alpn http/1.1"
    path = folder / "haproxy.cfg"
    path.write_text(
        f"""
global
    maxconn 1000
defaults
    mode tcp
    timeout connect 5s
    timeout client 1m
    timeout server 1m
frontend listeners
    bind {bound}
    default_backend stentor
backend stentor
    server edge 127.0.0.1:{port} {send}
"""
    )
    with _running([program("haproxy"), "-db", "-f", str(path)], mine) as port_used:
        yield port_used


@contextlib.contextmanager
def nginx(folder: Path, port: int, pair: Pair) -> Iterator[int]:
    """Nginx that ends TLS and says with X-Forwarded-For who asks."""
    mine = free_ports(1)
    path = folder / "nginx.conf"
    path.write_text(
        f"""
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
worker_processes 1;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream stentor {{ server 127.0.0.1:{port}; keepalive 32; }}
    server {{
        listen 127.0.0.1:{mine} ssl;
        ssl_certificate {pair.certificate};
        ssl_certificate_key {pair.key};
        location / {{
            proxy_pass http://stentor;
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_buffering off;
            proxy_read_timeout 1h;
        }}
    }}
}}
"""
    )
    with _running([program("nginx"), "-c", str(path)], mine) as port_used:
        yield port_used
