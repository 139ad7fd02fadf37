// Setting up through AWS's own APIs: a frontend with all four grants whose scope targets reports, an issuer, users.

import * as admin from "@aws-sdk/client-sso-admin";
import * as directory from "@aws-sdk/client-identitystore";

export const scope = "reports:read";
export const audience = "reports-frontend";
export const grantTypes = {
  AuthorizationCode: "authorization_code",
  RefreshToken: "refresh_token",
  JwtBearer: "urn:ietf:params:oauth:grant-type:jwt-bearer",
  TokenExchange: "urn:ietf:params:oauth:grant-type:token-exchange",
};

const { SYMBOLON_INSTANCE_ARN: InstanceArn, SYMBOLON_IDENTITY_STORE_ID: IdentityStoreId, SYMBOLON_ACCOUNT_ID: account } = process.env;
export const adminClient = new admin.SSOAdminClient();
export const directoryClient = new directory.IdentitystoreClient();

export async function createUser(name) {
  const created = await directoryClient.send(new directory.CreateUserCommand({
    IdentityStoreId, UserName: name, DisplayName: name, Name: { GivenName: name, FamilyName: "Tester" },
    Emails: [{ Value: `${name}@example.com`, Type: "work", Primary: true }],
  }));
  return created.UserId;
}

async function createApplication(Name, AssignmentRequired, AuthorizedTargets, grants) {
  const { ApplicationArn } = await adminClient.send(new admin.CreateApplicationCommand({
    InstanceArn, Name, ApplicationProviderArn: "arn:aws:sso::aws:applicationProvider/custom",
  }));
  await adminClient.send(new admin.PutApplicationAssignmentConfigurationCommand({ ApplicationArn, AssignmentRequired }));
  await adminClient.send(new admin.PutApplicationAuthenticationMethodCommand({
    ApplicationArn, AuthenticationMethodType: "IAM",
    AuthenticationMethod: { Iam: { ActorPolicy: { Version: "2012-10-17", Statement: [
      { Effect: "Allow", Principal: { AWS: account }, Action: "sso-oauth:CreateTokenWithIAM", Resource: "*" },
    ] } } },
  }));
  await adminClient.send(new admin.PutApplicationAccessScopeCommand({ ApplicationArn, Scope: scope, AuthorizedTargets }));
  for (const [member, grant] of Object.entries(grants)) {
    await adminClient.send(new admin.PutApplicationGrantCommand({ ApplicationArn, GrantType: grantTypes[member], Grant: { [member]: grant } }));
  }
  return ApplicationArn;
}

export async function setUp() {
  const { TrustedTokenIssuerArn } = await adminClient.send(new admin.CreateTrustedTokenIssuerCommand({
    InstanceArn, Name: "partner", TrustedTokenIssuerType: "OIDC_JWT",
    TrustedTokenIssuerConfiguration: { OidcJwtConfiguration: {
      IssuerUrl: process.env.JOURNEY_ISSUER, ClaimAttributePath: "email", IdentityStoreAttributePath: "emails.value",
      JwksRetrievalOption: "OPEN_ID_DISCOVERY",
    } },
  }));
  const { UserId: user } = await directoryClient.send(new directory.GetUserIdCommand({
    IdentityStoreId, AlternateIdentifier: { UniqueAttribute: { AttributePath: "userName", AttributeValue: process.env.SYMBOLON_USER } },
  }));
  const [carol] = [await createUser("carol"), await createUser("dave")];
  const reports = await createApplication("reports", false, undefined, { TokenExchange: {} });
  const frontend = await createApplication("frontend", true, [reports], {
    AuthorizationCode: { RedirectUris: ["http://127.0.0.1/callback"] },
    RefreshToken: {},
    JwtBearer: { AuthorizedTokenIssuers: [{ TrustedTokenIssuerArn, AuthorizedAudiences: [audience] }] },
    TokenExchange: {},
  });
  for (const PrincipalId of [user, carol]) {
    await adminClient.send(new admin.CreateApplicationAssignmentCommand({ ApplicationArn: frontend, PrincipalId, PrincipalType: "USER" }));
  }
  return { issuer: TrustedTokenIssuerArn, user, carol, reports, frontend };
}
