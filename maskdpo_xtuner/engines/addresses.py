"""The addresses of servers: what ``base_urls`` may be, proxies before them, redirects of theirs."""

from __future__ import annotations

import ipaddress
import os
import re
import urllib.request
from collections.abc import Sequence

import httpx

_VERSION = re.compile(r'/v\d+[a-z0-9]*(/|$)')
_ENDPOINTS = re.compile(r'/(chat/)?completions$')


def checked(base_urls: Sequence[str]) -> list[str]:
    """Give the addresses with their version and without a closing slash.

    A path with a version in it (``/v1``, ``/api/v3``, ``/v1beta/openai``) is kept; to any other
    ``/v1`` is added.

    Raises:
        ValueError: naming ``base_urls`` and what is wrong.
    """
    if not base_urls or isinstance(base_urls, str):
        raise ValueError(
            'engine "openai" needs base_urls, a list of addresses such as '
            f'["http://127.0.0.1:23333"]; it got {base_urls!r}'
        )
    return [_checked(url) for url in base_urls]


def _checked(url: str) -> str:
    if not url.startswith(('http://', 'https://')):
        raise ValueError(f'base_urls: {url!r} does not begin with http:// or https://')
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise ValueError(f'base_urls: {url!r} is no address ({error})') from error
    if parsed.userinfo or parsed.query:
        # Not shown: it may hold a secret.
        raise ValueError(
            f'base_urls: the address of {parsed.host} holds a user, a password or a query, which '
            'would be shown wherever the address is; give the key by api_key_env'
        )
    if any(char.isspace() or not char.isprintable() for char in url):
        raise ValueError(f'base_urls: {url!r} holds a blank or a sign that cannot be printed')
    if not parsed.host or not 0 < (parsed.port or 80) < 65536:
        raise ValueError(f'base_urls: {url!r} has no host, or no port within 1 to 65535')
    whole = _ENDPOINTS.sub('', url.partition('#')[0].rstrip('/'))
    return whole if _VERSION.search(parsed.path) else f'{whole}/v1'


def proxy_of(url: str) -> str | None:
    """Give the proxy that the environment names for an address; a server on this machine has none.

    Raises:
        ValueError: naming the variable whose value is no address of a proxy.
    """
    parsed = httpx.URL(url)
    if is_loopback(parsed.host) or urllib.request.proxy_bypass(parsed.host):
        return None
    proxies = urllib.request.getproxies()
    scheme = parsed.scheme if proxies.get(parsed.scheme) else 'all'
    proxy = proxies.get(scheme)
    if not proxy:
        return None
    proxy = proxy if '://' in proxy else f'http://{proxy}'
    try:
        httpx.AsyncHTTPTransport(proxy=proxy)
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        name = next((n for n in os.environ if n.lower() == f'{scheme}_proxy'), f'{scheme}_proxy')
        raise ValueError(
            f'{name}: no proxy that can be used ({_without_user(proxy)}: {type(error).__name__}); '
            f'correct or unset it, or add {parsed.host} to NO_PROXY'
        ) from error
    return proxy


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine by its name or address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == 'localhost' or host.endswith('.localhost')


def named(url: str, proxy: str | None) -> str:
    """Give an address as messages give it, with the proxy on the way."""
    return f'{url} by way of the proxy {_without_user(proxy)}' if proxy else url


def target_of(response: httpx.Response) -> httpx.URL | None:
    """Tell where a redirect that keeps the request may lead: to the same host, as safe as now."""
    if response.status_code not in (307, 308) or not response.has_redirect_location:
        return None
    here = response.request.url
    there = here.join(response.headers['location'])
    safe = there.scheme in (here.scheme, 'https')
    return there if safe and there.host == here.host else None


def redirection(response: httpx.Response) -> str:
    """Say where a redirect leads that is not followed; httpx has checked that it is an address."""
    there = response.request.url.join(response.headers['location'])
    shown = there.copy_with(query=None, fragment=None, userinfo=b'')
    return f'it redirects to {shown}; if that is the server, give its address in base_urls'


def _without_user(proxy: str) -> str:
    return re.sub(r'//[^/]*@', '//', proxy)
