package test

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	oidctypes "github.com/aws/aws-sdk-go-v2/service/ssooidc/types"
	"github.com/go-jose/go-jose/v4"
)

// fileLimit is how large a process may make files.
type fileLimit struct{ soft, hard uint64 }

// limitFiles lets no write of the server's succeed beyond that many bytes of a file, as a full disk would. It needs no privilege.
func (s *server) limitFiles(t *testing.T, bytes uint64) {
	t.Helper()
	const forever = ^uint64(0)
	l := fileLimit{bytes, forever}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(s.process.Process.Pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&l)), 0, 0, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
}

// TestFullDisk: while no file can grow, the SDK is told so in a way it can read and repeat, nothing is issued or used up, and the next
// request after that works (R6).
func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := startServerOn(t, filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0")
	w := newWorld(t, s, adminClients(t, s))
	assertion := func() ssooidc.CreateTokenWithIAMInput {
		return ssooidc.CreateTokenWithIAMInput{
			ClientId: &w.frontend, GrantType: aws.String(grantBearer),
			Assertion: aws.String(w.issuer.assertion(t, jose.ES256, assignedUser+"@example.com", assertionAud)),
		}
	}
	refresh := ssooidc.CreateTokenWithIAMInput{ClientId: &w.frontend, GrantType: aws.String(grantRefresh)}
	refresh.RefreshToken = w.createToken(t, assertion()).RefreshToken

	s.limitFiles(t, 0)
	unused := assertion()
	for _, in := range []ssooidc.CreateTokenWithIAMInput{refresh, unused, refresh, unused} {
		began := time.Now()
		out, err := w.oidc.CreateTokenWithIAM(t.Context(), &in)
		var fault *oidctypes.InternalServerException
		var response *awshttp.ResponseError
		if !errors.As(err, &fault) || !errors.As(err, &response) || response.HTTPStatusCode() < 500 || out != nil {
			t.Errorf("%s: %v", *in.GrantType, err)
		}
		if time.Since(began) > startLimit {
			t.Errorf("%s: the refusal took %v", *in.GrantType, time.Since(began))
		}
	}
	s.limitFiles(t, ^uint64(0))
	w.createToken(t, refresh)
	w.createToken(t, unused)
}
