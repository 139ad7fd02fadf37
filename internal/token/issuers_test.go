package token

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// verify verifies a fresh assertion signed with the named key under that kid.
func (f *foreign) verify(t testing.TB, i *Issuers, c *clock, key, kid string) error {
	t.Helper()
	jwt := signForeign(t, signingKeys()[key], "ES256", kid, goodClaims(f.URL, c.now(), nil), nil)
	_, err := verify(ctx, i, f.URL, allAlgorithms, jwt, c.now())
	return err
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

func TestOneFetchForAll(t *testing.T) {
	c := newClock()
	f := newForeign(t, publicKey("p256", "e"))
	i := newIssuers(c)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if err := f.verify(t, i, c, "p256", "e"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if d, s := f.documents.Load(), f.sets.Load(); d != 1 || s != 1 {
		t.Errorf("%d documents and %d sets fetched, want 1 and 1", d, s)
	}
}

// E09: a stranger's random kids cost the issuer one fetch a minute, and those with a known kid nothing.
func TestUnknownKids(t *testing.T) {
	c := newClock()
	f := newForeign(t, publicKey("p256", "e"))
	i := newIssuers(c)
	if err := f.verify(t, i, c, "p256", "e"); err != nil {
		t.Fatal(err)
	}
	for n := range 100 {
		if err := f.verify(t, i, c, "p256-other", fmt.Sprint("x", n)); !refused(err, "no key") {
			t.Fatal(err)
		}
	}
	if n := f.sets.Load(); n != 2 {
		t.Errorf("%d sets fetched, want 2", n)
	}
	c.move(unknownCooldown - time.Second)
	f.verify(t, i, c, "p256-other", "y")
	if n := f.sets.Load(); n != 2 {
		t.Errorf("%d sets fetched within a minute, want 2", n)
	}
	c.move(time.Second)
	f.verify(t, i, c, "p256-other", "y")
	if n := f.sets.Load(); n != 3 {
		t.Errorf("%d sets fetched after a minute, want 3", n)
	}
}

func TestKnownKidsDoNotWait(t *testing.T) {
	c := newClock()
	f := newForeign(t, publicKey("p256", "e"))
	i := newIssuers(c)
	if err := f.verify(t, i, c, "p256", "e"); err != nil {
		t.Fatal(err)
	}
	f.gate = make(chan struct{})
	done := make(chan error)
	go func() { done <- f.verify(t, i, c, "p256-other", "x") }()
	eventually(t, "the refetch begins", func() bool { return f.sets.Load() == 2 })
	if err := f.verify(t, i, c, "p256", "e"); err != nil {
		t.Error(err)
	}
	close(f.gate)
	if err := <-done; !refused(err, "no key") {
		t.Error(err)
	}
}

// A key the issuer has just begun to use is found at once; one it has removed is gone within 10 minutes.
func TestIssuerRotates(t *testing.T) {
	c := newClock()
	f := newForeign(t, publicKey("p256", "old"))
	i := newIssuers(c)
	if err := f.verify(t, i, c, "p256", "old"); err != nil {
		t.Fatal(err)
	}
	f.publish(publicKey("p256", "old"), publicKey("p256-other", "new"))
	if err := f.verify(t, i, c, "p256-other", "new"); err != nil {
		t.Errorf("the new key: %v", err)
	}
	f.publish(publicKey("p256-other", "new"))
	if err := f.verify(t, i, c, "p256", "old"); err != nil {
		t.Errorf("the old key, cached: %v", err)
	}
	c.move(maxSetAge)
	if err := f.verify(t, i, c, "p256", "old"); !refused(err, "no key") {
		t.Errorf("the removed key after 10 minutes: %v", err)
	}
}

func TestRenewedInTheBackground(t *testing.T) {
	c := newClock()
	f := newForeign(t, publicKey("p256", "e"))
	i := newIssuers(c)
	for _, step := range []struct {
		move time.Duration
		sets int32
	}{{0, 1}, {8*time.Minute - time.Second, 1}, {time.Second, 2}, {7 * time.Minute, 2}, {time.Minute, 3}} {
		c.move(step.move)
		if err := f.verify(t, i, c, "p256", "e"); err != nil {
			t.Fatal(err)
		}
		eventually(t, fmt.Sprint(step.sets, " sets"), func() bool { return f.sets.Load() == step.sets })
		eventually(t, "the flight ends", func() bool {
			s := i.set(f.URL, c.now())
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.flight == nil
		})
	}
}

// E09: the issuer goes down: its keys serve for 24 hours, attempts are 5 seconds apart, then it is unavailable.
func TestStaleWhileDown(t *testing.T) {
	c := newClock()
	f := newForeign(t, publicKey("p256", "e"))
	i := newIssuers(c)
	if err := f.verify(t, i, c, "p256", "e"); err != nil {
		t.Fatal(err)
	}
	f.down.Store(true)
	c.move(maxSetAge)
	for range 20 {
		if err := f.verify(t, i, c, "p256", "e"); err != nil {
			t.Fatal(err)
		}
	}
	if n := f.documents.Load(); n != 2 {
		t.Errorf("%d attempts, want 2", n)
	}
	c.move(failureCooldown)
	if err := f.verify(t, i, c, "p256", "e"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the next attempt", func() bool { return f.documents.Load() == 3 })
	if err := f.verify(t, i, c, "p256", "unknown"); !refused(err, "no key") {
		t.Errorf("an unknown kid while down: %v", err)
	}
	c.move(maxStale - maxSetAge - failureCooldown - time.Second)
	if err := f.verify(t, i, c, "p256", "e"); err != nil {
		t.Errorf("just before 24 hours: %v", err)
	}
	c.move(time.Hour)
	if err := f.verify(t, i, c, "p256", "e"); !errors.Is(err, ErrIssuerUnavailable) {
		t.Errorf("after 24 hours: %v", err)
	}
	f.down.Store(false)
	c.move(failureCooldown)
	if err := f.verify(t, i, c, "p256", "e"); err != nil {
		t.Errorf("up again: %v", err)
	}
}

// A failure of long ago does not make a stale set pass for the last word of an issuer that is up again.
func TestStaleSetIsRenewedAfterOldFailure(t *testing.T) {
	c := newClock()
	f := newForeign(t, publicKey("p256", "e"))
	i := newIssuers(c)
	if err := f.verify(t, i, c, "p256", "e"); err != nil {
		t.Fatal(err)
	}
	f.down.Store(true)
	f.verify(t, i, c, "p256", "unknown")
	f.down.Store(false)
	f.publish(publicKey("p256-other", "new"))
	c.move(maxSetAge)
	if err := f.verify(t, i, c, "p256", "e"); !refused(err, "no key") {
		t.Errorf("the removed key: %v", err)
	}
}

func TestFailuresCoolDown(t *testing.T) {
	c := newClock()
	f := newForeign(t, publicKey("p256", "e"))
	f.down.Store(true)
	i := newIssuers(c)
	for range 10 {
		if err := f.verify(t, i, c, "p256", "e"); !errors.Is(err, ErrIssuerUnavailable) {
			t.Fatal(err)
		}
	}
	if n := f.documents.Load(); n != 1 {
		t.Errorf("%d attempts, want 1", n)
	}
	f.down.Store(false)
	c.move(failureCooldown)
	if err := f.verify(t, i, c, "p256", "e"); err != nil {
		t.Error(err)
	}
	c.move(-time.Hour) // a clock set back must not freeze anything
	if err := f.verify(t, i, c, "p256", "e"); err != nil {
		t.Error(err)
	}
}

// A caller that gives up neither ends the fetch for the others nor starts another.
func TestCallersMayLeave(t *testing.T) {
	c := newClock()
	f := newForeign(t, publicKey("p256", "e"))
	f.gate = make(chan struct{})
	i := newIssuers(c)
	jwt := signForeign(t, signingKeys()["p256"], "ES256", "e", goodClaims(f.URL, c.now(), nil), nil)
	hasty, cancel := context.WithCancel(ctx)
	left, stayed := make(chan error), make(chan error)
	go func() { _, err := verify(hasty, i, f.URL, allAlgorithms, jwt, c.now()); left <- err }()
	eventually(t, "the fetch begins", func() bool { return f.sets.Load() == 1 })
	go func() { _, err := verify(ctx, i, f.URL, allAlgorithms, jwt, c.now()); stayed <- err }()
	cancel()
	if err := <-left; !errors.Is(err, ErrIssuerUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("who left: %v", err)
	}
	close(f.gate)
	if err := <-stayed; err != nil {
		t.Errorf("who stayed: %v", err)
	}
	if n := f.sets.Load(); n != 1 {
		t.Errorf("%d sets fetched", n)
	}
}

func TestIssuersAreBounded(t *testing.T) {
	c := newClock()
	i := newIssuers(c)
	for n := range maxIssuers + 10 {
		i.set(fmt.Sprint("https://", n, ".example"), c.now())
		c.move(time.Second)
		i.set("https://0.example", c.now()) // used all the time: never forgotten
	}
	if len(i.sets) != maxIssuers || i.sets["https://0.example"] == nil || i.sets["https://1.example"] != nil {
		t.Errorf("%d issuers are kept", len(i.sets))
	}
}

// E07: what the discovery document must say.
func TestDiscoveryRefused(t *testing.T) {
	for name, c := range map[string]struct {
		member string
		value  any
	}{
		"slash more":    {"issuer", "+/"},
		"another":       {"issuer", "https://other.example"},
		"none":          {"issuer", nil},
		"a list":        {"issuer", []string{"x"}},
		"no jwks_uri":   {"jwks_uri", ""},
		"jwks file":     {"jwks_uri", "file:///etc/passwd"},
		"jwks relative": {"jwks_uri", "/keys"},
		"jwks userinfo": {"jwks_uri", "http://a:b@127.0.0.1/keys"},
		"jwks fragment": {"jwks_uri", "http://127.0.0.1/keys#x"},
	} {
		clock := newClock()
		f := newForeign(t, publicKey("p256", "e"))
		if c.value == "+/" {
			c.value = f.URL + "/"
		}
		f.set(c.member, c.value)
		if err := f.verify(t, newIssuers(clock), clock, "p256", "e"); !errors.Is(err, ErrIssuerUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, issuer := range []string{"", "x", "ftp://x.example", "https://", "https://x.example?q", "https://x.example#f", "https://u@x.example", "https:x", "//x.example"} {
		if _, err := newIssuers(newClock()).discover(ctx, issuer); err == nil {
			t.Errorf("issuer %q was asked", issuer)
		}
	}
}

// An issuer with a path or a final slash is itself, to the letter.
func TestIssuerWithPath(t *testing.T) {
	c := newClock()
	f := newForeign(t, publicKey("p256", "e"))
	mux := http.NewServeMux()
	mux.HandleFunc("/tenant/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, "http://"+r.Host+"/tenant/", f.URL+"/keys") // keys on another host
	})
	other := newForeign(t)
	other.Config.Handler = mux
	issuer := other.URL + "/tenant/"
	jwt := signForeign(t, signingKeys()["p256"], "ES256", "e", goodClaims(issuer, c.now(), nil), nil)
	if _, err := verify(ctx, newIssuers(c), issuer, allAlgorithms, jwt, c.now()); err != nil {
		t.Error(err)
	}
}

func TestCacheAge(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": maxSetAge, "max-age=120": 2 * time.Minute, "public, Max-Age=300, must-revalidate": 5 * time.Minute, "max-age=1": minSetAge,
		"max-age=86400": maxSetAge, "no-store": minSetAge, "no-cache": minSetAge, "max-age=x": minSetAge, "max-age": minSetAge,
		"max-age=99999999999999999999": minSetAge, `max-age="240"`: 4 * time.Minute, "private": maxSetAge,
	} {
		if got := cacheAge(http.Header{"Cache-Control": {value}}); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}
