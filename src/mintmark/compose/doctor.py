"""`mintmark doctor`: walks from the configuration to an API call, one step at a time, and stops at the first fault."""

from __future__ import annotations

import time
from collections.abc import Iterator

from mintmark.cli.client.services import DoctorOptions
from mintmark.client import diagnosis, diagnosis_network
from mintmark.client.diagnosis_steps import Asked, Called, Contact, Step, ok, skipped
from mintmark.client.errors import Misconfigured, NoToken
from mintmark.client.exchange import Exchange
from mintmark.client.inspection import inspect
from mintmark.client.means import SendFault
from mintmark.client.profile import Profile
from mintmark.client.token import Credentials, Token
from mintmark.compose.profiles import Opened, open_profile
from mintmark.dialect.template import Table
from mintmark.dialect.writing import write_request
from mintmark.transport import probes
from mintmark.values.secret import Secret


def diagnose(name: str | None, options: DoctorOptions) -> Iterator[Step]:
    """The steps up to the first fault, each as soon as it is done. `name`: None for the environment."""
    for step in _steps(name, options):
        yield step
        if step.outcome == "fault":
            return


def _steps(name: str | None, options: DoctorOptions) -> Iterator[Step]:
    try:
        opened = open_profile(name, agent=False)
        url = options.url or opened.api_url
        if url:
            opened.demand(url)
        obtains = opened.source.obtains
        address, asked = "", Asked("")
        if isinstance(obtains, Exchange):
            address, asked = _request(obtains.profile, opened)
    except NoToken as error:
        yield diagnosis.of_configuration(error)
        return
    if isinstance(obtains, Exchange):
        yield ok("configuration", f"dialect {obtains.dialect}, token endpoint {address}")
        yield from _to_the_token_endpoint(address, options.time_limit)
    else:
        yield ok("configuration", "a token that stands as it is; no token endpoint is asked")
    try:
        token = opened.source.token()
    except NoToken as error:
        yield diagnosis.of_refusal(error, asked)
        return
    if isinstance(obtains, Exchange):
        yield ok("token endpoint", "it answered with a token")
        yield ok("client authentication", f"{asked.client or 'the client'} is known")
    yield diagnosis.of_token(inspect(token.reveal(), time.time()), asked)
    yield from _to_the_api(url, options, token, opened)


def _to_the_token_endpoint(url: str, limit: float) -> Iterator[Step]:
    way = probes.way_to(url, "token endpoint")
    yield diagnosis_network.of_resolution(probes.resolve(way, limit))
    yield diagnosis_network.of_connection(probes.connect(way, limit))
    if way.tls:
        yield diagnosis_network.of_tls(probes.handshake(way, limit))
    else:
        yield skipped("TLS", "through a proxy" if "proxy" in way.what else "plain HTTP on this machine")
    try:
        theirs = probes.clock_at(url, limit)
    except SendFault as fault:
        if "longer than" in fault.sentence:
            yield diagnosis_network.blocked(
                "token endpoint", Contact(way.host, way.what, "timeout", f"{limit:g} s")
            )
        else:
            yield skipped("clock", fault.sentence)
    else:
        yield diagnosis_network.of_clock(theirs, time.time())


def _to_the_api(url: str, options: DoctorOptions, token: Token, opened: Opened) -> Iterator[Step]:
    if not url:
        yield skipped("API call", "no address to call: --url, or the profile's api_url")
        return
    limit = options.time_limit
    way = probes.way_to(url, "API")
    for seen in _contacts(way, limit):
        if seen.trouble:
            yield diagnosis_network.of_api_contact(seen)
            return
    called = probes.call(url, options.method, token, opened.source.token_dead, limit)
    yield (
        diagnosis.of_call(called) if isinstance(called, Called) else diagnosis_network.of_api_contact(called)
    )


def _contacts(way: probes.Way, limit: float) -> Iterator[Contact]:
    yield probes.resolve(way, limit)
    yield probes.connect(way, limit)
    if way.tls:
        yield probes.handshake(way, limit)


def _request(profile: Profile, opened: Opened) -> tuple[str, Asked]:
    """The token endpoint's address, and what a request to it says. Raises NoToken."""
    functions = opened.source.means.functions
    try:
        credentials = profile.secrets()
        request, variables = profile.request(credentials, functions)
        written = write_request(profile.dialect, request, variables, functions, form=profile.form)
        way = probes.way_to(written.url, "token endpoint")
        opened.safe(written.url)
    except NoToken:
        raise
    except KeyError:
        raise Misconfigured(f"the dialect '{profile.dialect.name}' has no form '{profile.form}'") from None
    except ValueError as fault:
        raise Misconfigured(str(fault)) from None
    form = profile.dialect.form(profile.form)
    fields = [name for name, _ in form.query]
    if isinstance(form.body, Table):
        fields += [name for name, node in form.body.members]
    if form.basic is not None:
        fields.append(f"Authorization: {form.basic.scheme}")
    asked = Asked(way.host, _client(credentials), tuple(fields), profile.audience)
    return written.url, asked


def _client(credentials: Credentials) -> str:
    for name in ("client_id", "username"):
        value = credentials.get(name)
        if isinstance(value, str) and not isinstance(value, Secret):
            return value
    return ""
