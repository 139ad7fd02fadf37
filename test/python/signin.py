"""The sign-in pages as a plain client without script sees them: cookies, forms, redirects."""

import base64
import hashlib
import html.parser
import http.cookiejar
import secrets
import urllib.error
import urllib.parse
import urllib.request

try:
    import requests
except ImportError:
    requests = None


class Form(html.parser.HTMLParser):
    """The first form of a page: where it goes and its inputs."""

    def __init__(self, page):
        super().__init__()
        self.action, self.inputs, self.inside = None, [], False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form" and self.action is None:
            self.action, self.inside = attrs.get("action", ""), True
        elif tag == "input" and self.inside:
            self.inputs.append(attrs)

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False

    def filled(self, user, password):
        values = {}
        for field in self.inputs:
            kind = field.get("type", "text")
            if kind == "hidden":
                values[field["name"]] = field.get("value", "")
            elif kind == "password":
                values[field["name"]] = password
            elif kind in ("text", "email"):
                values[field["name"]] = user
        return values


class StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class UrllibBrowser:
    """A session of the standard library's urllib."""

    def __init__(self):
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar, StayHere)

    def send(self, url, form):
        """The status, the redirect's target if any, and the page."""
        data = urllib.parse.urlencode(form).encode() if form else None
        try:
            answer = self.opener.open(urllib.request.Request(url, data=data), timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        return answer.status, answer.headers.get("Location"), answer.read().decode()


class RequestsBrowser:
    """A session of requests, which never sends Secure cookies over http."""

    def __init__(self):
        self.session = requests.Session()
        self.session.trust_env = False

    def send(self, url, form):
        answer = self.session.request("POST" if form else "GET", url, data=form, allow_redirects=False, timeout=60)
        return answer.status_code, answer.headers.get("Location"), answer.text


BROWSERS = [RequestsBrowser, UrllibBrowser] if requests else [UrllibBrowser]


def walk(browser, base, url, user, password):
    """From page to page until a redirect leads off the server."""
    form = None
    for _ in range(10):
        status, location, page = browser.send(url, form)
        if location:
            url, form = urllib.parse.urljoin(url, location), None
            if not url.startswith(base + "/"):
                return url
            continue
        assert status == 200, f"{url}: HTTP {status}\n{page}"
        shown = Form(page)
        assert shown.action is not None, f"{url}: no form on the page\n{page}"
        url, form = urllib.parse.urljoin(url, shown.action), shown.filled(user, password)
    raise AssertionError("the sign-in journey does not end")


def sign_in(browser, base, client_id, redirect_uri, user, password):
    """A code and the verifier it is bound to (RFC 7636), after the answer's state and iss have been checked (RFC 9207)."""
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = urllib.parse.urlencode({
        "response_type": "code", "client_id": client_id, "redirect_uri": redirect_uri, "state": state,
        "code_challenge": challenge, "code_challenge_method": "S256",
    })
    answer = walk(browser, base, f"{base}/authorize?{query}", user, password)
    assert answer.startswith(redirect_uri + "?"), answer
    values = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer).query))
    assert values.get("state") == state and values.get("iss") == base and values.get("code"), answer
    return values["code"], verifier
