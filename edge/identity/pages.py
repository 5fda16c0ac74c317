"""The sign-in page, and the headers that every answer of a web server of ours carries."""

from collections.abc import MutableMapping
from html import escape
from typing import Final
from urllib.parse import urlencode

CSP: Final = "; ".join(
    (
        "default-src 'none'",
        *(
            f"{kind}-src 'self'"
            for kind in ("script", "style", "connect", "font", "media", "worker", "manifest")
        ),
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""Nothing but our own files: no inline script or style, no frame around us, no form that leads elsewhere."""

HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer Chromium posts our own form with Origin: null
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
NO_STORE: Final = "no-store"
"""Pages of patients are in no cache; who serves files that name nobody says otherwise."""

PATH_CHARACTERS_MAX: Final = 1_000
HSTS: Final = "max-age=31536000"

STYLE_PATH: Final = "/sign-in/style.css"
STYLE: Final = """:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: Canvas; color: CanvasText }
main { width: min(22rem, calc(100vw - 2rem)) }
h1 { font-size: 1.5rem }
form { display: grid; gap: .75rem }
label { display: grid; gap: .25rem; font-weight: 600 }
input, button, a.button { font: inherit; padding: .625rem .75rem; border: 2px solid GrayText; border-radius: .375rem }
input { background: Field; color: FieldText }
button, a.button { cursor: pointer; font-weight: 600; text-align: center; text-decoration: none;
  color: ButtonText; background: ButtonFace }
:focus-visible { outline: 3px solid Highlight; outline-offset: 2px }
[role=alert] { padding: .625rem .75rem; border-left: .375rem solid; font-weight: 600 }
"""


def add_headers(headers: MutableMapping[str, str], secure: bool) -> None:
    """Add the headers of every answer; `secure` = browsers come over https."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", NO_STORE)
    if secure:
        headers.setdefault("Strict-Transport-Security", HSTS)


def sign_in_page(next_path: str, accounts: bool, openid: bool, fault: str = "") -> str:
    """Return the page; `fault` says why the last try did not do."""
    told = f'<p role="alert">{escape(fault)}</p>' if fault else ""
    form = f"""<form method="post" action="/sign-in">
<input type="hidden" name="next" value="{escape(next_path)}">
<label>Name <input name="name" autocomplete="username" autocapitalize="none" required autofocus maxlength="64"></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required maxlength="256"></label>
<button>Sign in</button>
</form>"""
    there = escape(urlencode({"next": next_path}))
    link = (
        f"""<p><a class="button" href="/sign-in/openid?{there}">Sign in with the hospital's account</a></p>"""
    )
    nothing = "<p>Nobody can sign in here yet: an administrator sets up accounts or a provider.</p>"
    ways = (form if accounts else "") + (link if openid else "")
    return _page("Sign in", f"<h1>Vigil</h1>{told}{ways or nothing}")


def signed_out_page() -> str:
    """Return the page after signing out."""
    return _page(
        "Signed out", '<h1>Signed out</h1><p><a class="button" href="/sign-in">Sign in again</a></p>'
    )


def onwards_page(next_path: str) -> str:
    """Return a page that leads on at once.

    A redirect would not do after a provider's: browsers keep a cookie with SameSite=Strict back until a page of ours
    leads on.
    """
    path = escape(next_path)
    onwards = f'<meta http-equiv="refresh" content="0; url={path}">'
    return _page("Signed in", f'<h1>Signed in</h1><p><a class="button" href="{path}">Go on</a></p>', onwards)


def safe_path(path: str) -> str:
    """Return a path of ours to go to after signing in; anything else becomes the first page."""
    leads_elsewhere = not path.startswith("/") or path.startswith(("//", "/\\", "/sign-"))
    return "/" if leads_elsewhere or not path.isprintable() or len(path) >= PATH_CHARACTERS_MAX else path


def _page(title: str, body: str, head: str = "") -> str:
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title} - Vigil</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">{head}
<link rel="stylesheet" href="{STYLE_PATH}"></head>
<body><main>{body}</main></body></html>
"""
