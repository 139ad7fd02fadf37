terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "5.100.0" }
  }
}
provider "aws" {
  region                      = "us-east-1"
  skip_credentials_validation = true
  skip_requesting_account_id  = false
  skip_metadata_api_check     = true
}
data "aws_ssoadmin_instances" "i" {}
locals {
  arn   = tolist(data.aws_ssoadmin_instances.i.arns)[0]
  store = tolist(data.aws_ssoadmin_instances.i.identity_store_ids)[0]
}
resource "aws_identitystore_user" "u" {
  identity_store_id = local.store
  display_name      = "Tess Terra"
  user_name         = "tess"
  name {
    given_name  = "Tess"
    family_name = "Terra"
  }
  emails {
    value   = "tess@example.com"
    primary = true
  }
}
resource "aws_identitystore_group" "g" {
  identity_store_id = local.store
  display_name      = "tf-group"
  description       = "made by terraform"
}
resource "aws_identitystore_group_membership" "m" {
  identity_store_id = local.store
  group_id          = aws_identitystore_group.g.group_id
  member_id         = aws_identitystore_user.u.user_id
}
resource "aws_ssoadmin_application" "a" {
  name                     = "tf-app"
  application_provider_arn = "arn:aws:sso::aws:applicationProvider/custom"
  instance_arn             = local.arn
  description              = "d"
  tags                     = { team = "x", "symbolon:access-token-format" = "jwt" }
}
resource "aws_ssoadmin_application_assignment_configuration" "c" {
  application_arn     = aws_ssoadmin_application.a.application_arn
  assignment_required = true
}
resource "aws_ssoadmin_application_assignment" "as" {
  application_arn = aws_ssoadmin_application.a.application_arn
  principal_id    = aws_identitystore_group.g.group_id
  principal_type  = "GROUP"
}
resource "aws_ssoadmin_application_access_scope" "s" {
  application_arn    = aws_ssoadmin_application.a.application_arn
  authorized_targets = [aws_ssoadmin_application.a.application_arn]
  scope              = "tf:read"
}
resource "aws_ssoadmin_trusted_token_issuer" "t" {
  name                      = "tf-issuer"
  instance_arn              = local.arn
  trusted_token_issuer_type = "OIDC_JWT"
  trusted_token_issuer_configuration {
    oidc_jwt_configuration {
      claim_attribute_path          = "email"
      identity_store_attribute_path = "emails.value"
      issuer_url                    = "https://issuer.example.com"
      jwks_retrieval_option         = "OPEN_ID_DISCOVERY"
    }
  }
}
