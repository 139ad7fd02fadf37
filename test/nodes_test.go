package test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/go-jose/go-jose/v4"
)

// Three nodes behind a balancer that sends every request to another one: set up through AWS's APIs, the sign-in journey page by page, the
// four grants, introspection, all by unmodified clients that know nothing of it.
func TestNodesWithoutStickiness(t *testing.T) {
	t.Parallel()
	c := startBalanced(t, 3)
	w := newWorld(t, c.server, adminClients(t, c.server))
	tokens := w.signedIn(t)
	w.checkTokens(t, tokens, c.env["SYMBOLON_USER"])
	for range 4 {
		tokens = w.createToken(t, ssooidc.CreateTokenWithIAMInput{
			ClientId: &w.frontend, GrantType: aws.String(grantRefresh), RefreshToken: tokens.RefreshToken,
		})
		w.expectActive(t, true, *tokens.AccessToken, w.frontend)
	}
	w.bearer(t, jose.ES256, assignedUser)
	for _, n := range c.balancer.nodes {
		if n.served.Load() < 10 {
			t.Errorf("%s served %d requests of all", n.url, n.served.Load())
		}
	}
}

// Nodes that restart one by one, and keys that rotate meanwhile, under load from clients that keep their connections and repeat nothing: no
// request fails, none has to be repeated by the balancer (R5).
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	c := startBalanced(t, 3)
	w := newWorld(t, c.server, adminClients(t, c.server))
	l := startLoad(t, w)
	l.reach(t, 200)
	for i := range c.nodes {
		c.restart(t, i)
		c.balancer.await(t, len(c.nodes))
		l.reach(t, l.count.Load()+100)
	}
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(path, "key", "rotate", "--all", "--data", c.folders[1]).CombinedOutput(); err != nil {
		t.Fatalf("key rotate: %v\n%s", err, out)
	}
	time.Sleep(6 * time.Second) // until the new keys are in use
	l.reach(t, l.count.Load()+200)
	l.end(t)
	for _, loss := range c.balancer.losses {
		t.Errorf("the balancer lost %s", loss)
	}
	t.Logf("%d requests, %d failed", l.count.Load(), len(l.failures))
}

// load is clients at work.
type load struct {
	count    atomic.Int64
	over     atomic.Bool
	workers  sync.WaitGroup
	mu       sync.Mutex
	failures []string
}

// startLoad has eight clients do what applications do: each has a family of refresh tokens that it refreshes over and over, and beside it
// asks for tokens with assertions, who it is, and for the key set.
func startLoad(t *testing.T, w *world) *load {
	t.Helper()
	ctx, l := context.Background(), &load{}
	t.Cleanup(l.stop)
	sdk, err := config.LoadDefaultConfig(ctx,
		config.WithSharedConfigFiles(nil), config.WithSharedCredentialsFiles(nil), config.WithRegion(w.server.env["AWS_REGION"]),
		config.WithBaseEndpoint(w.server.url), config.WithHTTPClient(w.server.awsClient()), config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(w.server.env["AWS_ACCESS_KEY_ID"], w.server.env["AWS_SECRET_ACCESS_KEY"], "")))
	if err != nil {
		t.Fatal(err)
	}
	clients := goClientsOf(sdk)
	first := make([]*string, 8)
	for i := range first {
		first[i] = w.bearer(t, jose.ES256, assignedUser).RefreshToken
	}
	for i := range first {
		refresh := first[i]
		l.workers.Go(func() {
			for round := 0; !l.over.Load(); round++ {
				out, err := clients.oidc.CreateTokenWithIAM(ctx, &ssooidc.CreateTokenWithIAMInput{
					ClientId: &w.frontend, GrantType: aws.String(grantRefresh), RefreshToken: refresh,
				})
				if l.note("refresh", err) {
					refresh = out.RefreshToken
				}
				switch round % 4 {
				case 0:
					_, err = clients.oidc.CreateTokenWithIAM(ctx, &ssooidc.CreateTokenWithIAMInput{
						ClientId: &w.frontend, GrantType: aws.String(grantBearer),
						Assertion: aws.String(w.issuer.assertion(t, jose.ES256, assignedUser+"@example.com", assertionAud)),
					})
					l.note("jwt-bearer", err)
				case 1:
					_, err = clients.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
					l.note("GetCallerIdentity", err)
				case 2:
					l.note("key set", fetch(ctx, w.server.client(), w.server.url+"/.well-known/jwks.json"))
				}
			}
		})
	}
	return l
}

func fetch(ctx context.Context, client *http.Client, at string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body) // so that the connection is used again
	answer.Body.Close()
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("HTTP %d", answer.StatusCode)
	}
	return nil
}

// note counts an answer.
func (l *load) note(what string, err error) bool {
	l.count.Add(1)
	if err != nil {
		l.mu.Lock()
		l.failures = append(l.failures, fmt.Sprintf("%s at %s: %v", what, time.Now().Format("15:04:05.000"), err))
		l.mu.Unlock()
	}
	return err == nil
}

// reach waits until so many requests are done.
func (l *load) reach(t *testing.T, want int64) {
	t.Helper()
	for end := time.Now().Add(startLimit); l.count.Load() < want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("only %d requests were answered", l.count.Load())
		}
	}
}

// stop lets what is under way end.
func (l *load) stop() {
	l.over.Store(true)
	l.workers.Wait()
}

// end stops the load. No request may have failed.
func (l *load) end(t *testing.T) {
	t.Helper()
	l.stop()
	for i, failure := range l.failures {
		if i == 20 {
			t.Errorf("and %d more", len(l.failures)-i)
			break
		}
		t.Error(failure)
	}
}
