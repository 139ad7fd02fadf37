package ssoadmin

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/policy"
	"github.com/symbolon/symbolon/internal/store"
)

func TestActorPolicy(t *testing.T) {
	h := open(t)
	role := "arn:aws:iam::" + h.a.account + ":role/web"
	h.update(t, func(tx *store.Tx) error {
		return iam.PutRole(tx, iam.Role{AccountID: h.a.account, Name: "web", TrustPolicy: fmt.Sprintf(
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"sts:AssumeRole"}}`, h.a.account)})
	})
	statement := func(members params) params {
		return with(params{"Effect": "Allow", "Principal": params{"AWS": role}, "Action": "sso-oauth:CreateTokenWithIAM", "Resource": "*"}, members)
	}
	document := func(statements ...any) params { return params{"Version": "2012-10-17", "Statement": statements} }
	put := func(doc any) params {
		return params{"ApplicationArn": h.a.application, "AuthenticationMethodType": "IAM",
			"AuthenticationMethod": params{"Iam": params{"ActorPolicy": doc}}}
	}
	for _, good := range []any{
		document(statement(nil)),
		params{"Version": "2012-10-17", "Statement": statement(nil)},
		document(statement(params{"Principal": params{"AWS": []string{role, h.a.account, "arn:aws:iam::" + h.a.account + ":root"}}})),
		document(statement(params{"Principal": params{"Service": "athena.amazonaws.com"}})),
		document(statement(params{"Action": []string{"sso-oauth:IntrospectTokenWithIAM", "sso-oauth:RevokeTokenWithIAM"}, "Resource": []string{h.a.application}})),
		document(statement(params{"Action": "sso-oauth:*", "Condition": params{"IpAddress": params{"aws:SourceIp": "10.0.0.0/8"}}})),
		document(statement(nil), statement(params{"Effect": "Deny", "Principal": "*"})),
	} {
		h.a.ok(t, "PutApplicationAuthenticationMethod", put(good))
	}
	for _, bad := range []any{
		params{}, params{"Version": "2012-10-17"}, document(), "a string", 7, []any{document(statement(nil))},
		params{"Version": "2008-10-17", "Statement": []any{statement(nil)}}, params{"Statement": []any{statement(nil)}},
		document(statement(params{"Effect": nil})), document(statement(params{"Effect": "Maybe"})),
		document(statement(params{"Principal": nil})), document(statement(params{"Action": nil})), document(statement(params{"Resource": nil})),
		document(statement(params{"Action": []string{}})), document(statement(params{"Resource": []string{}})),
		document(statement(params{"Action": nil, "NotAction": "sso-oauth:CreateTokenWithIAM"})),
		document(statement(params{"Principal": nil, "NotPrincipal": params{"AWS": role}})),
		document(statement(params{"Resource": nil, "NotResource": "*"})),
		document(statement(params{"Action": "*"})), document(statement(params{"Action": "sso:CreateApplication"})), document(statement(params{"Action": "sso-oauth:Create*"})),
		document(statement(params{"Resource": h.a.other})), document(statement(params{"Resource": "arn:aws:sso::*:application/*"})),
		document(statement(params{"Principal": "*"})), document(statement(params{"Principal": params{"AWS": "*"}})),
		document(statement(params{"Principal": params{"AWS": role + "-gone"}})), document(statement(params{"Principal": params{"AWS": "999999999999"}})),
		document(statement(params{"Effect": "Deny", "Principal": params{"AWS": role + "-gone"}})),
		document(statement(params{"Principal": params{"Federated": "accounts.google.com"}})), document(statement(params{"Principal": params{"Service": "not a service"}})),
		document(statement(params{"Condition": params{"NoSuchOperator": params{"a": "b"}}})),
		document(statement(nil), statement(params{"Action": "s3:GetObject"})),
		with(document(statement(nil)), params{"Extra": 1}),
		document(statement(params{"Sid": strings.Repeat("s", maxActorPolicy)})),
	} {
		message := h.a.refused(t, "PutApplicationAuthenticationMethod", put(bad), "ValidationException")
		if !strings.HasPrefix(message, "Invalid actor policy provided: ") {
			t.Errorf("%v: %s", bad, message)
		}
	}

	h.update(t, func(tx *store.Tx) error {
		if _, err := h.ActorPolicy(tx, h.a.other); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("ActorPolicy of an application without one: %v", err)
		}
		p, err := h.ActorPolicy(tx, h.a.application)
		if err != nil {
			return err
		}
		again, err := h.ActorPolicy(tx, h.a.application)
		if p != again {
			t.Error("the policy is compiled twice")
		}
		return err
	})
	got := h.a.ok(t, "GetApplicationAuthenticationMethod", params{"ApplicationArn": h.a.application, "AuthenticationMethodType": "IAM"})
	if n := len(at(got, "AuthenticationMethod.Iam.ActorPolicy.Statement").([]any)); n != 2 {
		t.Errorf("the policy came back with %d statements: %v", n, got)
	}
}

func TestActorPolicyDecides(t *testing.T) {
	h := open(t)
	h.a.ok(t, "PutApplicationAuthenticationMethod", method(t, h.a))
	h.update(t, func(tx *store.Tx) error {
		p, err := h.ActorPolicy(tx, h.a.application)
		if err != nil {
			return err
		}
		for action, want := range map[string]bool{"sso-oauth:CreateTokenWithIAM": true, "sso-oauth:RevokeTokenWithIAM": false} {
			ps := policy.Policies{Resource: p, ResourceRequired: true}
			got := ps.Evaluate(&policy.Request{
				Principal: policy.Principal{Account: h.a.account, ARN: "arn:aws:iam::" + h.a.account + ":root", ID: h.a.account},
				Action:    action, Resource: h.a.application, ResourceAccount: h.a.account,
			})
			if got.Allowed != want {
				t.Errorf("%s: %s", action, got)
			}
		}
		return nil
	})
}
