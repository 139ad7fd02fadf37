package test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	oidctypes "github.com/aws/aws-sdk-go-v2/service/ssooidc/types"
)

// TestThrottledGoSDK: a caller beyond its limit is slowed down by the SDK for Go's own retries. It knows ThrottlingException by itself;
// SlowDownException, which is all that sso-oidc has, only when told, as with AWS.
func TestThrottledGoSDK(t *testing.T) {
	t.Parallel()
	s := startServerOn(t, filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0", "--limits", "on", "--limit-caller", "4")
	c := adminClients(t, s)
	const requests = 12 // half as many again as may come at once
	for range requests {
		if _, err := c.admin.ListInstances(t.Context(), &ssoadmin.ListInstancesInput{}); err != nil {
			t.Fatalf("ListInstances: %v", err)
		}
	}
	ask := func(change func(*ssooidc.Options)) error {
		_, err := c.oidc.CreateTokenWithIAM(t.Context(), &ssooidc.CreateTokenWithIAMInput{
			ClientId: aws.String("nobody"), GrantType: aws.String(grantRefresh), RefreshToken: aws.String("x"),
		}, change)
		return err
	}
	var slow *oidctypes.SlowDownException
	var unknown *oidctypes.InvalidClientException
	slowed := 0
	for range requests {
		err := ask(func(*ssooidc.Options) {})
		if errors.As(err, &slow) {
			slowed++
		} else if !errors.As(err, &unknown) {
			t.Fatalf("CreateTokenWithIAM: %v", err)
		}
	}
	if slowed == 0 {
		t.Error("nothing was slowed down")
	}
	for range requests {
		err := ask(func(o *ssooidc.Options) {
			o.Retryer = retry.AddWithMaxAttempts(retry.AddWithErrorCodes(o.Retryer, (*oidctypes.SlowDownException)(nil).ErrorCode()), 10)
		})
		if !errors.As(err, &unknown) {
			t.Fatalf("CreateTokenWithIAM with SlowDownException as retryable: %v", err)
		}
	}
}
