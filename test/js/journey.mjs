// The whole journey with the unmodified AWS SDK for JavaScript v3, configured by nothing but what `symbolon env` prints.
// JOURNEY_ISSUER is a trusted token issuer that answers /assertion?alg=&email=&aud= with an assertion.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import * as admin from "@aws-sdk/client-sso-admin";
import * as directory from "@aws-sdk/client-identitystore";
import * as oidc from "@aws-sdk/client-sso-oidc";
import * as sts from "@aws-sdk/client-sts";
import { adminClient, audience, createUser, directoryClient, grantTypes, scope, setUp } from "./setup.mjs";
import { signIn } from "./signin.mjs";

const env = process.env;
const InstanceArn = env.SYMBOLON_INSTANCE_ARN;
const IdentityStoreId = env.SYMBOLON_IDENTITY_STORE_ID;
const role = `arn:aws:iam::${env.SYMBOLON_ACCOUNT_ID}:role/data-reader`;
const redirectUri = "http://127.0.0.1:39873/callback";
const accessToken = "urn:ietf:params:oauth:token-type:access_token";
const refreshToken = "urn:ietf:params:oauth:token-type:refresh_token";

const oidcClient = new oidc.SSOOIDCClient();
const stsClient = new sts.STSClient();
const token = (request) => oidcClient.send(new oidc.CreateTokenWithIAMCommand(request));
const claims = (jwt) => JSON.parse(Buffer.from(jwt.split(".")[1], "base64url"));

async function assertion(email, alg = "RS256", aud = audience) {
  const answer = await fetch(`${env.JOURNEY_ISSUER}/assertion?${new URLSearchParams({ email, alg, aud })}`);
  return (await answer.json()).assertion;
}

async function codeRequest(world) {
  const { code, codeVerifier } = await signIn(env.AWS_ENDPOINT_URL, world.frontend, redirectUri, env.SYMBOLON_USER, env.SYMBOLON_PASSWORD);
  return { clientId: world.frontend, grantType: "authorization_code", code, redirectUri, codeVerifier };
}

function checkTokens(tokens, user) {
  assert.equal(tokens.tokenType, "Bearer");
  assert.equal(tokens.expiresIn, 3600);
  assert.equal(tokens.issuedTokenType, refreshToken);
  assert(tokens.refreshToken);
  for (const s of ["openid", "aws", "sts:identity_context", scope]) assert(tokens.scope.includes(s), `${s} in ${tokens.scope}`);
  const identity = claims(tokens.idToken);
  assert.equal(identity.sub, user);
  assert.equal(identity.iss, env.SYMBOLON_ISSUER);
  assert.equal(identity["sts:identity_context"], tokens.awsAdditionalDetails.identityContext);
}

// grants goes through the four grants and returns the tokens of the first.
async function grants(world) {
  const tokens = await token(await codeRequest(world));
  checkTokens(tokens, world.user);
  console.log("authorization_code");

  const refreshed = await token({ clientId: world.frontend, grantType: "refresh_token", refreshToken: tokens.refreshToken });
  checkTokens(refreshed, world.user);
  const less = await token({ clientId: world.frontend, grantType: "refresh_token", refreshToken: refreshed.refreshToken, scope: [scope] });
  assert.deepEqual(less.scope, [scope]);
  assert.equal(less.idToken, undefined);
  console.log("refresh_token");

  for (const alg of ["RS256", "ES256"]) {
    const vouched = await token({ clientId: world.frontend, grantType: grantTypes.JwtBearer, assertion: await assertion("carol@example.com", alg) });
    checkTokens(vouched, world.carol);
    assert.deepEqual(claims(vouched.idToken).act, { sub: world.issuer });
  }
  console.log("jwt-bearer");

  const exchanged = await token({
    clientId: world.reports, grantType: grantTypes.TokenExchange, subjectToken: tokens.accessToken, subjectTokenType: accessToken,
  });
  assert.equal(exchanged.issuedTokenType, accessToken);
  assert.deepEqual(claims(exchanged.idToken).act, { sub: world.reports, act: { sub: world.frontend } });
  console.log("token-exchange");
  return tokens;
}

async function assumeRole(tokens) {
  const answer = await stsClient.send(new sts.AssumeRoleCommand({
    RoleArn: role, RoleSessionName: "journey",
    ProvidedContexts: [{
      ProviderArn: "arn:aws:iam::aws:contextProvider/IdentityCenter", ContextAssertion: tokens.awsAdditionalDetails.identityContext,
    }],
  }));
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = answer.Credentials;
  assert(accessKeyId.startsWith("ASIA"), accessKeyId);
  const session = new sts.STSClient({ credentials: { accessKeyId, secretAccessKey, sessionToken } });
  const who = await session.send(new sts.GetCallerIdentityCommand());
  assert.equal(who.Arn, `arn:aws:sts::${env.SYMBOLON_ACCOUNT_ID}:assumed-role/data-reader/journey`);
  console.log("AssumeRole with the identity context:", who.Arn);
}

async function paginate() {
  const names = async (pageSize) => {
    const all = [];
    for await (const page of admin.paginateListApplications({ client: adminClient, pageSize }, { InstanceArn })) {
      assert(page.Applications.length <= pageSize);
      all.push(...page.Applications.map((a) => a.Name));
    }
    return all;
  };
  assert.deepEqual(await names(1), await names(100));
  assert((await names(1)).includes("frontend"));
  console.log("paginators");
}

// refused expects the SDK's exception class (or, where the model has none, an error of that name) with a message about says.
async function refused(exception, says, promise, name = exception.name) {
  const error = await promise.then(() => assert.fail(`${name} was not thrown`), (e) => e);
  assert.equal(error.name, name, `${error.name}: ${error.message}`);
  if (typeof exception === "function") assert(error instanceof exception, `${name} is no instance of its class`);
  assert(error.message && error.message !== "UnknownError" && error.message.includes(says), `${name} says ${JSON.stringify(error.message)}`);
  console.log(`  ${name}: ${error.message}`);
}

async function tokenRefusals(world) {
  const right = await codeRequest(world);
  await refused(oidc.InvalidGrantException, "codeVerifier", token({ ...right, codeVerifier: "x".repeat(43) }));
  const issued = await token(right);
  await refused(oidc.InvalidGrantException, "code", token(right));
  await refused(oidc.InvalidGrantException, "session", token({ clientId: world.frontend, grantType: "refresh_token", refreshToken: issued.refreshToken }));

  const bearer = async (email, aud) => ({ clientId: world.frontend, grantType: grantTypes.JwtBearer, assertion: await assertion(email, "RS256", aud) });
  const once = await bearer("carol@example.com");
  await token(once);
  await refused(oidc.InvalidGrantException, "used", token(once));
  await refused(oidc.AccessDeniedException, "assigned", token(await bearer("dave@example.com")));
  await refused(oidc.InvalidGrantException, "aud", token(await bearer("carol@example.com", "other")));
  const fresh = await bearer("carol@example.com");
  await refused(oidc.InvalidClientException, "client", token({ ...fresh, clientId: `${world.frontend.slice(0, -16)}0123456789abcdef` }));
  await refused(oidc.UnauthorizedClientException, "grant", token({ ...fresh, clientId: world.reports }));
  await refused(oidc.InvalidScopeException, "payroll", token({ ...fresh, scope: ["payroll:read"] }));
  await refused(oidc.UnsupportedGrantTypeException, "password", token({ ...fresh, grantType: "password" }));
  await refused(oidc.InvalidRequestException, "code", token({ ...fresh, code: "stray" }));
  await token(fresh);
}

async function otherRefusals(world) {
  const credentials = { accessKeyId: env.AWS_ACCESS_KEY_ID, secretAccessKey: "wrong" };
  const wrong = new oidc.SSOOIDCClient({ credentials });
  const request = new oidc.CreateTokenWithIAMCommand({ clientId: world.frontend, grantType: "refresh_token", refreshToken: "x" });
  await refused("", "signature", wrong.send(request), "InvalidSignatureException");
  await refused("", "signature", new admin.SSOAdminClient({ credentials }).send(new admin.ListInstancesCommand()), "InvalidSignatureException");
  await refused("", "signature", new sts.STSClient({ credentials }).send(new sts.GetCallerIdentityCommand()), "SignatureDoesNotMatch");

  const missing = `${world.frontend.slice(0, -16)}0123456789abcdef`;
  await refused(admin.ResourceNotFoundException, "Application", adminClient.send(new admin.DescribeApplicationCommand({ ApplicationArn: missing })));
  await refused(directory.ConflictException, "UserName", createUser("carol"));
  const absent = new directory.DescribeUserCommand({ IdentityStoreId, UserId: "11111111-1111-4111-8111-111111111111" });
  await refused(directory.ResourceNotFoundException, "", directoryClient.send(absent));
  const norole = new sts.AssumeRoleCommand({ RoleArn: `${role}-missing`, RoleSessionName: "journey" });
  await refused("", "sts:AssumeRole", stsClient.send(norole), "AccessDenied");
}

const { version } = createRequire(import.meta.url)("@aws-sdk/client-sso-oidc/package.json");
console.log(`node ${process.version}, @aws-sdk/client-sso-oidc ${version}`);
const world = await setUp();
const tokens = await grants(world);
await assumeRole(tokens);
await paginate();
await tokenRefusals(world);
await otherRefusals(world);
console.log("refusals");
console.log("journey complete");
