"""The whole journey with unmodified boto3, configured by nothing but what `symbolon env` prints.

JOURNEY_ISSUER is a trusted token issuer that answers /assertion?alg=&email=&aud= with an assertion.
"""

import base64
import itertools
import json
import os
import urllib.parse
import urllib.request

import boto3
import botocore.auth
import botocore.awsrequest
from botocore.exceptions import ClientError

import signin

BASE = os.environ["AWS_ENDPOINT_URL"]
INSTANCE = os.environ["SYMBOLON_INSTANCE_ARN"]
STORE = os.environ["SYMBOLON_IDENTITY_STORE_ID"]
ACCOUNT = os.environ["SYMBOLON_ACCOUNT_ID"]
USER, PASSWORD = os.environ["SYMBOLON_USER"], os.environ["SYMBOLON_PASSWORD"]
ISSUER = os.environ["JOURNEY_ISSUER"]

PROVIDER = "arn:aws:sso::aws:applicationProvider/custom"
IDENTITY_PROVIDER = "arn:aws:iam::aws:contextProvider/IdentityCenter"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/data-reader"
REDIRECT = "http://127.0.0.1:39872/callback"
AUDIENCE, SCOPE = "reports-frontend", "reports:read"
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
REFRESH_TOKEN = "urn:ietf:params:oauth:token-type:refresh_token"

LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class World:
    """Clients, and what was set up with them."""

    def __init__(self):
        self.oidc, self.admin = boto3.client("sso-oidc"), boto3.client("sso-admin")
        self.directory, self.sts = boto3.client("identitystore"), boto3.client("sts")
        self.browsers = itertools.cycle(signin.BROWSERS)

    def set_up(self):
        self.issuer = self.admin.create_trusted_token_issuer(
            InstanceArn=INSTANCE, Name="partner", TrustedTokenIssuerType="OIDC_JWT",
            TrustedTokenIssuerConfiguration={"OidcJwtConfiguration": {
                "IssuerUrl": ISSUER, "ClaimAttributePath": "email", "IdentityStoreAttributePath": "emails.value",
                "JwksRetrievalOption": "OPEN_ID_DISCOVERY"}})["TrustedTokenIssuerArn"]
        self.user = self.directory.get_user_id(IdentityStoreId=STORE, AlternateIdentifier={
            "UniqueAttribute": {"AttributePath": "userName", "AttributeValue": USER}})["UserId"]
        self.carol, self.dave = self.create_user("carol"), self.create_user("dave")
        self.reports = self.application("reports", {}, {"TokenExchange": {}}, assignment=False)
        self.frontend = self.application("frontend", {"AuthorizedTargets": [self.reports]}, {
            "AuthorizationCode": {"RedirectUris": ["http://127.0.0.1/callback"]},
            "RefreshToken": {},
            "JwtBearer": {"AuthorizedTokenIssuers": [{"TrustedTokenIssuerArn": self.issuer, "AuthorizedAudiences": [AUDIENCE]}]},
            "TokenExchange": {},
        }, assignment=True)
        for user in (self.user, self.carol):
            self.admin.create_application_assignment(ApplicationArn=self.frontend, PrincipalId=user, PrincipalType="USER")
        assigned = self.admin.get_paginator("list_application_assignments").paginate(ApplicationArn=self.frontend)
        assert sorted(a["PrincipalId"] for a in assigned.search("ApplicationAssignments[]")) == sorted([self.user, self.carol])

    def create_user(self, name):
        return self.directory.create_user(
            IdentityStoreId=STORE, UserName=name, DisplayName=name.title(), Name={"GivenName": name.title(), "FamilyName": "Tester"},
            Emails=[{"Value": f"{name}@example.com", "Type": "work", "Primary": True}])["UserId"]

    def application(self, name, targets, grants, assignment):
        arn = self.admin.create_application(InstanceArn=INSTANCE, ApplicationProviderArn=PROVIDER, Name=name)["ApplicationArn"]
        self.admin.put_application_assignment_configuration(ApplicationArn=arn, AssignmentRequired=assignment)
        self.admin.put_application_authentication_method(
            ApplicationArn=arn, AuthenticationMethodType="IAM", AuthenticationMethod={"Iam": {"ActorPolicy": {
                "Version": "2012-10-17", "Statement": [{
                    "Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Resource": "*",
                    "Action": [f"sso-oauth:{a}TokenWithIAM" for a in ("Create", "Introspect", "Revoke")]}]}}})
        self.admin.put_application_access_scope(ApplicationArn=arn, Scope=SCOPE, **targets)
        types = {"AuthorizationCode": "authorization_code", "RefreshToken": "refresh_token", "JwtBearer": BEARER, "TokenExchange": EXCHANGE}
        for member, grant in grants.items():
            self.admin.put_application_grant(ApplicationArn=arn, GrantType=types[member], Grant={member: grant})
        listed = self.admin.list_application_grants(ApplicationArn=arn)["Grants"]
        assert sorted(g["GrantType"] for g in listed) == sorted(types[m] for m in grants), listed
        return arn

    def token(self, **request):
        request.setdefault("clientId", self.frontend)
        return self.oidc.create_token_with_iam(**request)

    def code_request(self):
        code, verifier = signin.sign_in(next(self.browsers)(), BASE, self.frontend, REDIRECT, USER, PASSWORD)
        return {"grantType": "authorization_code", "code": code, "redirectUri": REDIRECT, "codeVerifier": verifier}


def assertion(email, algorithm="RS256", audience=AUDIENCE):
    query = urllib.parse.urlencode({"alg": algorithm, "email": email, "aud": audience})
    with LOCAL.open(f"{ISSUER}/assertion?{query}", timeout=60) as answer:
        return json.load(answer)["assertion"]


def claims(jwt):
    part = jwt.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def check_tokens(world, tokens, user):
    assert tokens["tokenType"] == "Bearer" and tokens["expiresIn"] == 3600, tokens
    assert tokens["refreshToken"] and tokens["issuedTokenType"] == REFRESH_TOKEN, tokens
    assert {"openid", "aws", "sts:identity_context", SCOPE} <= set(tokens["scope"]), tokens["scope"]
    identity = claims(tokens["idToken"])
    assert identity["sub"] == user and identity["iss"] == os.environ["SYMBOLON_ISSUER"], identity
    assert identity["sts:identity_context"] == tokens["awsAdditionalDetails"]["identityContext"]


def grants(world):
    """The four grants; the tokens of the first."""
    tokens = world.token(**world.code_request())
    check_tokens(world, tokens, world.user)
    print("authorization_code")

    refreshed = world.token(grantType="refresh_token", refreshToken=tokens["refreshToken"])
    check_tokens(world, refreshed, world.user)
    less = world.token(grantType="refresh_token", refreshToken=refreshed["refreshToken"], scope=[SCOPE])
    assert less["scope"] == [SCOPE] and "idToken" not in less, less
    print("refresh_token")

    for algorithm in ("RS256", "ES256"):
        vouched = world.token(grantType=BEARER, assertion=assertion("carol@example.com", algorithm))
        check_tokens(world, vouched, world.carol)
        assert claims(vouched["idToken"])["act"] == {"sub": world.issuer}
    print("jwt-bearer")

    exchanged = world.token(clientId=world.reports, grantType=EXCHANGE, subjectToken=tokens["accessToken"], subjectTokenType=ACCESS_TOKEN)
    assert exchanged["issuedTokenType"] == ACCESS_TOKEN and "refreshToken" not in exchanged, exchanged
    assert claims(exchanged["idToken"])["act"] == {"sub": world.reports, "act": {"sub": world.frontend}}
    print("token-exchange")
    return tokens, exchanged


def assume_role(world, tokens):
    answer = world.sts.assume_role(RoleArn=ROLE, RoleSessionName="journey", ProvidedContexts=[{
        "ProviderArn": IDENTITY_PROVIDER, "ContextAssertion": tokens["awsAdditionalDetails"]["identityContext"]}])
    key = answer["Credentials"]
    assert key["AccessKeyId"].startswith("ASIA"), key["AccessKeyId"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"])
    who = session.client("sts").get_caller_identity()
    assert who["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/data-reader/journey" == answer["AssumedRoleUser"]["Arn"], who
    print("AssumeRole with the identity context:", who["Arn"])


def paginate(world):
    def names(size):
        pages = list(world.admin.get_paginator("list_applications").paginate(InstanceArn=INSTANCE, PaginationConfig={"PageSize": size}))
        assert all(len(p["Applications"]) <= size for p in pages)
        return [a["Name"] for p in pages for a in p["Applications"]]
    assert names(1) == names(100) and {"frontend", "reports"} <= set(names(1)), names(1)
    users = world.directory.get_paginator("list_users").paginate(IdentityStoreId=STORE, PaginationConfig={"PageSize": 1})
    assert {"carol", "dave", USER} <= {u["UserName"] for u in users.search("Users[]")}
    print("paginators")


def refused(client, exception, says, call, **request):
    """call must raise the client's modeled class of that name with a message about says; ClientError where the model has none."""
    modeled = exception in client.meta.service_model.shape_names
    kind = getattr(client.exceptions, exception) if modeled else ClientError
    try:
        call(**request)
    except kind as error:
        told = error.response["Error"]
        described = error.response.get("error_description", told["Message"])
        assert told["Code"] == exception and told["Message"] and says in described, error
        print(f"  {type(error).__name__}: {error}")
        return
    raise AssertionError(f"{exception} was not raised")


def refusals(world):
    oidc, token = world.oidc, world.token
    right = world.code_request()
    refused(oidc, "InvalidGrantException", "codeVerifier", token, **(right | {"codeVerifier": "x" * 43}))
    refused(oidc, "InvalidGrantException", "redirectUri", token, **(right | {"redirectUri": "http://127.0.0.1:1/callback"}))
    refused(oidc, "InvalidGrantException", "code", token, **(right | {"code": "guessed"}))
    issued = token(**right)
    refused(oidc, "InvalidGrantException", "code", token, **right)
    refused(oidc, "InvalidGrantException", "session", token, grantType="refresh_token", refreshToken=issued["refreshToken"])

    once = {"grantType": BEARER, "assertion": assertion("carol@example.com")}
    token(**once)
    refused(oidc, "InvalidGrantException", "used", token, **once)
    refused(oidc, "AccessDeniedException", "assign", token, grantType=BEARER, assertion=assertion("dave@example.com"))
    refused(oidc, "InvalidGrantException", "user", token, grantType=BEARER, assertion=assertion("nobody@example.com"))
    refused(oidc, "InvalidGrantException", "aud", token, grantType=BEARER, assertion=assertion("carol@example.com", audience="other"))
    fresh = {"grantType": BEARER, "assertion": assertion("carol@example.com")}
    refused(oidc, "InvalidClientException", "", token, **fresh, clientId=world.frontend[:-16] + "0123456789abcdef")
    refused(oidc, "UnauthorizedClientException", "jwt-bearer", token, **fresh, clientId=world.reports)
    refused(oidc, "InvalidScopeException", "payroll", token, **fresh, scope=["payroll:read"])
    refused(oidc, "UnsupportedGrantTypeException", "password", token, **(fresh | {"grantType": "password"}))
    refused(oidc, "InvalidRequestException", "refreshToken", token, **fresh, refreshToken="stray")
    token(**fresh)

    wrong = boto3.Session(aws_secret_access_key="wrong", aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"])
    refused(oidc, "InvalidSignatureException", "", wrong.client("sso-oidc").create_token_with_iam, clientId=world.frontend, **fresh)
    refused(world.admin, "InvalidSignatureException", "", wrong.client("sso-admin").list_instances)
    refused(world.sts, "SignatureDoesNotMatch", "", wrong.client("sts").get_caller_identity)

    admin = world.admin
    refused(admin, "ResourceNotFoundException", "", admin.describe_application, ApplicationArn=world.frontend[:-16] + "0123456789abcdef")
    refused(admin, "ValidationException", "", admin.create_application, InstanceArn=INSTANCE, ApplicationProviderArn=PROVIDER, Name="x" * 101)
    refused(world.directory, "ConflictException", "", world.create_user, name="carol")
    refused(world.sts, "AccessDenied", "", world.sts.assume_role, RoleArn=ROLE + "-missing", RoleSessionName="journey")
    refused(world.sts, "RequestEntityTooLarge", "1024 KiB", world.sts.assume_role, RoleArn=ROLE, RoleSessionName="journey", Policy="x" * 1200000)
    print("refusals")


def signed_form(path, **form):
    """An answer to a form signed with SigV4, as a caller without an SDK for these endpoints would send it."""
    request = botocore.awsrequest.AWSRequest("POST", BASE + path, data=urllib.parse.urlencode(form),
                                             headers={"Content-Type": "application/x-www-form-urlencoded"})
    session = boto3.Session()
    botocore.auth.SigV4Auth(session.get_credentials(), "sso-oauth", session.region_name).add_auth(request)
    plain = urllib.request.Request(request.url, data=request.body.encode() if isinstance(request.body, str) else request.body,
                                   headers=dict(request.headers), method="POST")
    with LOCAL.open(plain, timeout=60) as answer:
        body = answer.read()
        return json.loads(body) if body else None


def introspection(world, tokens, exchanged):
    def active(token, application):
        answer = signed_form("/oauth2/introspect", token=token, client_id=application)
        assert answer["active"] or answer == {"active": False}, answer
        return answer["active"]
    mine = (tokens["accessToken"], world.frontend), (tokens["accessToken"], world.reports), (exchanged["accessToken"], world.reports)
    assert all(active(*pair) for pair in mine)
    assert not active(exchanged["accessToken"], world.frontend) and not active("nonsense", world.frontend)
    signed_form("/oauth2/revoke", token=tokens["accessToken"], client_id=world.reports)  # not the application it was issued to
    assert all(active(*pair) for pair in mine)
    signed_form("/oauth2/revoke", token=tokens["accessToken"], client_id=world.frontend)
    assert not any(active(*pair) for pair in mine)
    refused(world.oidc, "InvalidGrantException", "session", world.token, grantType="refresh_token", refreshToken=tokens["refreshToken"])
    print("introspection and revocation")


def main():
    print("boto3", boto3.__version__, "and", f"requests {signin.requests.__version__}" if signin.requests else "urllib alone (requests is MISSING)")
    world = World()
    world.set_up()
    tokens, exchanged = grants(world)
    assume_role(world, tokens)
    paginate(world)
    refusals(world)
    introspection(world, tokens, exchanged)
    print("journey complete")


if __name__ == "__main__":
    main()
