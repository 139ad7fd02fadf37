package proof

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Killed under mixed load, the server forgets nothing that it acknowledged: rows exist, what was used stays used, what was
// revoked stays dead.
func TestKilledUnderLoad(t *testing.T) {
	s := startServer(t, "--refresh-grace=300s", "--code-ttl=10m")
	for i := range *rounds {
		t.Run(fmt.Sprintf("seed=%d", *seed+uint64(i)), func(t *testing.T) {
			l := &load{t: t, s: s, browser: s.signIn(t)}
			enough := 30 + newRound(*seed+uint64(i)).IntN(300)
			var wg sync.WaitGroup
			for _, work := range []func() bool{l.refreshes, l.refreshes, l.assertions, l.codes, l.exchanges, l.revocations, l.administration} {
				wg.Go(func() {
					for work() {
					}
				})
			}
			for l.count() < enough && !t.Failed() {
				time.Sleep(time.Millisecond)
			}
			s.kill()
			wg.Wait()
			s.start(t)
			l.verify()
		})
	}
}

// load remembers what must be true after the crash of each thing that was acknowledged.
type load struct {
	t       *testing.T
	s       *server
	browser *browser

	mu    sync.Mutex
	facts []fact
	kinds map[string]int
}

// fact is one acknowledged effect and the question that shows it.
type fact struct {
	what string
	ask  *call
	want func(answer) bool
}

func (l *load) fact(what string, ask *call, want func(answer) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.facts = append(l.facts, fact{what, ask, want})
	if l.kinds == nil {
		l.kinds = map[string]int{}
	}
	l.kinds[what]++
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.facts)
}

// do sends the call; false once the server is gone. A refusal fails the test: the load only does what is allowed.
func (l *load) do(c *call) (answer, bool) {
	a := c.send(nil)
	switch {
	case a.status == http.StatusOK:
		return a, true
	case a.status != 0:
		l.t.Errorf("refused under load: %v", a)
	case !l.s.dying.Load():
		l.t.Errorf("no answer: %v", a.err)
	}
	return a, false
}

func (l *load) verify() {
	l.t.Helper()
	for _, f := range l.facts {
		if a := f.ask.send(nil); a.status == 0 || a.status >= 500 || !f.want(a) {
			l.t.Errorf("lost: %s: %v %v", f.what, a, a.err)
		}
	}
	l.t.Logf("%d acknowledged effects hold: %v", len(l.facts), l.kinds)
}

func isActive(a answer) bool   { return a.status == http.StatusOK && a.active() }
func isInactive(a answer) bool { return a.status == http.StatusOK && !a.active() }
func isRefused(a answer) bool  { return a.status == http.StatusBadRequest }
func isAbsent(a answer) bool   { return a.status == http.StatusNotFound }
func isFound(a answer) bool    { return a.status == http.StatusOK }

// refreshes goes down one family: the last acknowledged successor works, and its predecessor still leads to it, not to another.
func (l *load) refreshes() bool {
	a, ok := l.do(l.s.bearer(l.s.issuer.assertion(l.t)))
	if !ok {
		return false
	}
	var token string
	for range 5 {
		token = a.tokens().RefreshToken
		next, ok := l.do(l.s.refresh("worker", token))
		if !ok {
			// In doubt: the token itself may have been used, and must work in either case.
			l.fact("a refresh token in doubt", l.s.refresh("worker", token), isFound)
			return false
		}
		a = next
	}
	last := a.tokens()
	l.fact("a superseded refresh token", l.s.refresh("worker", token), func(b answer) bool { return b.tokens().RefreshToken == last.RefreshToken })
	l.fact("a refresh token", l.s.introspect("worker", last.RefreshToken), isActive)
	l.fact("an access token", l.s.introspect("worker", last.AccessToken), isActive)
	return true
}

func (l *load) assertions() bool {
	use := l.s.bearer(l.s.issuer.assertion(l.t))
	a, ok := l.do(use)
	if ok {
		l.fact("a used assertion", use, isRefused)
		l.fact("the family of an assertion", l.s.refresh("worker", a.tokens().RefreshToken), isFound)
	}
	return ok
}

func (l *load) codes() bool {
	code, verifier, err := l.browser.tryCode()
	if err != nil {
		if !l.s.dying.Load() {
			l.t.Error(err)
		}
		return false
	}
	use := l.s.redeem(code, verifier)
	if len(code)%2 == 0 && l.chance() {
		l.fact("an unused code", use, isFound)
		return true
	}
	a, ok := l.do(use)
	if ok {
		l.fact("the tokens of a code", l.s.introspect("web", a.tokens().AccessToken), isActive)
		l.fact("a used code", use, isRefused)
		l.fact("the tokens of a code used again", l.s.introspect("web", a.tokens().AccessToken), isInactive)
	}
	return ok
}

func (l *load) chance() bool { return rand.Text()[0] < 'M' }

func (l *load) exchanges() bool {
	a, ok := l.do(l.s.bearer(l.s.issuer.assertion(l.t)))
	if !ok {
		return false
	}
	b, ok := l.do(l.s.exchange(a.tokens().AccessToken, "refresh_token"))
	if ok {
		l.fact("an exchanged family", l.s.refresh("reports", b.tokens().RefreshToken), isFound)
		l.fact("an exchanged token", l.s.introspect("reports", b.tokens().AccessToken), isActive)
	}
	return ok
}

// revocations: what was revoked is dead, and what was exchanged from it; what was being revoked may be.
func (l *load) revocations() bool {
	a, ok := l.do(l.s.bearer(l.s.issuer.assertion(l.t)))
	if !ok {
		return false
	}
	b, ok := l.do(l.s.exchange(a.tokens().AccessToken, "access_token"))
	if !ok {
		return false
	}
	if _, ok = l.do(l.s.revoke("worker", a.tokens().RefreshToken)); !ok {
		return false
	}
	l.fact("a revoked access token", l.s.introspect("worker", a.tokens().AccessToken), isInactive)
	l.fact("a revoked family", l.s.refresh("worker", a.tokens().RefreshToken), isRefused)
	l.fact("a token exchanged from a revoked one", l.s.introspect("reports", b.tokens().AccessToken), isInactive)
	return true
}

// administration: what was created is there, what was deleted is not.
func (l *load) administration() bool {
	group, ok := l.created("identitystore", "AWSIdentityStore.CreateGroup", "GroupId",
		map[string]any{"IdentityStoreId": l.s.env["SYMBOLON_IDENTITY_STORE_ID"], "DisplayName": rand.Text()})
	if !ok {
		return false
	}
	one := map[string]any{"IdentityStoreId": l.s.env["SYMBOLON_IDENTITY_STORE_ID"], "GroupId": group}
	ask := l.s.admin("identitystore", "AWSIdentityStore.DescribeGroup", one)
	if l.chance() {
		if _, ok := l.do(l.s.admin("identitystore", "AWSIdentityStore.DeleteGroup", one)); !ok {
			return false
		}
		l.fact("a deleted group", ask, isAbsent)
	} else {
		l.fact("a group", ask, isFound)
	}
	app, ok := l.created("sso", "SWBExternalService.CreateApplication", "ApplicationArn", map[string]any{
		"InstanceArn": l.s.env["SYMBOLON_INSTANCE_ARN"], "Name": rand.Text(),
		"ApplicationProviderArn": "arn:aws:sso::aws:applicationProvider/custom",
	})
	if ok {
		l.fact("an application", l.s.admin("sso", "SWBExternalService.DescribeApplication", map[string]any{"ApplicationArn": app}), isFound)
	}
	return ok
}

func (l *load) created(service, target, member string, request map[string]any) (string, bool) {
	a, ok := l.do(l.s.admin(service, target, request))
	if !ok {
		return "", false
	}
	text, found := a.member(member)
	if !found {
		l.t.Errorf("%s: no %s in %v", target, member, a)
	}
	return text, found
}
