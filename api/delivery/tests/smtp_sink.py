"""A real SMTP server for the tests: it says on standard output, as one JSON object a line, where it listens and what it got.

Usage: smtp_sink.py starttls|implicit|plain CERTIFICATE KEY
Login: lifeboat / sesame, and without it nothing is taken (but with `plain`). gone@... is refused for good; busy@... once for
a while.
"""
import asyncio
import email
import email.policy
import json
import logging
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def say(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


class Sink:
    def __init__(self):
        self.busy = True

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone@"):
            return "550 5.1.1 no such user"
        if address.startswith("busy@") and self.busy:
            self.busy = False
            return "451 4.3.0 mailbox busy"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        headers = {name.lower(): str(value) for name, value in mail.items()}
        say(
            "mail",
            sender=envelope.mail_from,
            to=envelope.rcpt_tos,
            headers=headers,
            text=mail.get_content(),
            longest_line=max(len(line) for line in envelope.content.splitlines()),
            login=bool(session.authenticated),
            encrypted=session.ssl is not None or MODE == "implicit",
        )
        return "250 2.0.0 kept"


def authenticate(server, session, envelope, mechanism, given):
    right = isinstance(given, LoginPassword) and (given.login, given.password) == (b"lifeboat", b"sesame")
    if right:
        return AuthResult(success=True)
    # Unhandled: the server itself says that the login is wrong.
    return AuthResult(success=False, handled=False)


MODE, CERTIFICATE, KEY = sys.argv[1:4]
# Clients that break off are what some tests are about.
logging.disable(logging.CRITICAL)


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    sink = Sink()
    login = {} if MODE == "plain" else {"authenticator": authenticate, "auth_required": True}
    starttls = {"tls_context": context, "require_starttls": True} if MODE == "starttls" else {}

    def connection():
        return SMTP(sink, hostname="sink", auth_require_tls=MODE == "starttls", **login, **starttls)

    listening = await asyncio.get_running_loop().create_server(
        connection, "127.0.0.1", 0, ssl=context if MODE == "implicit" else None
    )
    say("listening", port=listening.sockets[0].getsockname()[1])
    await listening.serve_forever()


asyncio.run(main())
