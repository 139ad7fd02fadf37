package golden

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/wire"
)

// The SDK records no answers of the query services. Here its own client reads ours.

func stsServer(t *testing.T, operation wire.Operation) *sts.Client {
	t.Helper()
	service := *ours()["sts"]
	service.Operations = []wire.Operation{operation}
	allow := func(context.Context, *wire.Call) error { return nil }
	server := httptest.NewServer((&wire.Server{Services: []*wire.Service{&service}, Authenticate: allow, Authorize: allow, Finish: allow}).Handler())
	t.Cleanup(server.Close)
	return sts.New(sts.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	})
}

func TestQueryAnswers(t *testing.T) {
	expires := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	client := stsServer(t, wire.Op(wire.Operation{Name: "AssumeRole"}, func(_ context.Context, in *iam.AssumeRoleInput) (*iam.AssumeRoleOutput, error) {
		if in.RoleArn != "arn:aws:iam::123456789012:role/r" || len(in.ProvidedContexts) != 1 || *in.ProvidedContexts[0].ContextAssertion != "a+b/c==" {
			t.Errorf("input %+v", in)
		}
		return &iam.AssumeRoleOutput{
			Credentials:      &iam.Credentials{AccessKeyId: "ASIA", SecretAccessKey: "a/b+c<&>", SessionToken: "tok==", Expiration: expires},
			AssumedRoleUser:  &iam.AssumedRoleUser{AssumedRoleId: "AROA:s", Arn: "arn:aws:sts::123456789012:assumed-role/r/s"},
			PackedPolicySize: new(3), SourceIdentity: new("src"), SessionTokenSize: new(900), SessionTokenUtilization: new(22),
		}, nil
	}))
	got, err := client.AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::123456789012:role/r"), RoleSessionName: aws.String("se"),
		ProvidedContexts: []types.ProvidedContext{{ProviderArn: aws.String("arn:aws:iam::aws:contextProvider/IdentityCenter"), ContextAssertion: aws.String("a+b/c==")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &sts.AssumeRoleOutput{
		Credentials:     &types.Credentials{AccessKeyId: aws.String("ASIA"), SecretAccessKey: aws.String("a/b+c<&>"), SessionToken: aws.String("tok=="), Expiration: &expires},
		AssumedRoleUser: &types.AssumedRoleUser{AssumedRoleId: aws.String("AROA:s"), Arn: aws.String("arn:aws:sts::123456789012:assumed-role/r/s")},
		//lint:ignore SA1019 clients of today still read it
		PackedPolicySize: aws.Int32(3), SourceIdentity: aws.String("src"), SessionTokenSize: aws.Int32(900), SessionTokenUtilization: aws.Int32(22),
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(sts.AssumeRoleOutput{}, types.Credentials{}, types.AssumedRoleUser{}),
		cmpopts.IgnoreFields(sts.AssumeRoleOutput{}, "ResultMetadata")); diff != "" {
		t.Error(diff)
	}
}

func TestQueryErrors(t *testing.T) {
	client := stsServer(t, wire.Op(wire.Operation{Name: "GetCallerIdentity"}, func(context.Context, *iam.GetCallerIdentityInput) (*iam.GetCallerIdentityOutput, error) {
		return nil, &wire.Error{Code: "UnrecognizedClientException", Status: 403, Message: "The security token is <invalid>."}
	}))
	_, err := client.GetCallerIdentity(t.Context(), nil)
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() != "InvalidClientTokenId" || api.ErrorMessage() != "The security token is <invalid>." {
		t.Errorf("%v", err)
	}
}
