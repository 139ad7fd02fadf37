package proof

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load does everything at once that must survive a crash, and remembers it thing by thing.
type load struct {
	t     *testing.T
	s     *server
	grace bool // whether the grace window is longer than any history
	heavy bool // with so much data that the store's log begins anew

	deeds   atomic.Int64
	excused atomic.Bool   // something is being killed: calls may fail
	ended   chan struct{} // closed when the workers are to end
	mu      sync.Mutex
	things  []*thing
}

// run works on the server until it is enough. Then kill happens, if there is to be one, and in the end every worker ends.
func (l *load) run(enough func() bool, kill func()) {
	l.ended = make(chan struct{})
	var wg sync.WaitGroup
	var stuck atomic.Bool // a worker cannot go on
	for _, one := range l.work() {
		wg.Go(func() {
			for one() {
				select {
				case <-l.ended:
					return
				default:
				}
			}
			stuck.Store(true)
		})
	}
	for deadline := time.Now().Add(10 * time.Minute); !enough() && !stuck.Load(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			l.t.Error("the load is not enough after ten minutes")
			break
		}
	}
	if kill != nil {
		l.excused.Store(true)
		kill()
	}
	close(l.ended)
	wg.Wait()
	l.excused.Store(false)
}

// work is what each worker does, again and again; false says that it could not go on.
func (l *load) work() []func() bool {
	work := []func() bool{l.family, l.family, l.sharedFamily, l.assertion, l.code, l.exchanges, l.session, l.group, l.application, l.user}
	if l.heavy {
		work = append(work, l.file)
	}
	return work
}

// persist works on the server while something happens to it: who could not go on begins anew. What happens says when it excuses failures.
func (l *load) persist(during func()) {
	over := make(chan struct{})
	var wg sync.WaitGroup
	defer l.excused.Store(false)
	defer wg.Wait()
	defer close(over)
	for _, one := range l.work() {
		wg.Go(func() {
			for !closed(over) {
				if !one() {
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
	}
	during()
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// atLeast says whether so many deeds are done.
func (l *load) atLeast(deeds int) func() bool {
	return func() bool { return l.deeds.Load() >= int64(deeds) }
}

func (l *load) thing(th *thing) *thing {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.things = append(l.things, th)
	return th
}

// do sends the call, a deed of the thing if there is one, and says whether it succeeded. Without an answer it fails the test, unless
// something is being killed; whether a refusal was right the model says.
func (l *load) do(th *thing, in input, c *call) (answer, bool) {
	return l.done(th, in, c.send())
}

func (l *load) done(th *thing, in input, a answer) (answer, bool) {
	l.deeds.Add(1)
	if th != nil {
		th.add(in, a)
	}
	switch {
	case (a.status == 0 || a.status >= 500) && !l.excused.Load():
		l.t.Errorf("%v: %v, %v", in.kind, a, a.err)
	case th == nil && a.status != 0 && a.status != http.StatusOK && !l.excused.Load():
		l.t.Errorf("refused under load: %v", a)
	}
	return a, a.status == http.StatusOK
}

// verify asks about every thing, and says what it was that held.
func (l *load) verify(c cut, things []*thing) {
	l.t.Helper()
	kinds := map[string]int{}
	for _, th := range things {
		if th.verify(l.t, l.s, c) {
			kinds[th.what]++
		}
	}
	l.t.Logf("hold: %v", kinds)
}

func chance() bool { return rand.Text()[0] < 'M' }
func seldom() bool { return rand.Text()[0] < 'E' }

// begin uses an assertion of alice's, whose answer brings things into the world.
func (l *load) begin() (*answer, bool) {
	a, ok := l.do(nil, input{kind: redeem}, l.s.bearer(l.s.issuer.assertion(l.t, "alice@example.com")))
	return &a, ok
}

// family goes down one family.
func (l *load) family() bool {
	th, ok := l.newFamily()
	token := ""
	if ok {
		token = th.born.tokens().RefreshToken
	}
	for i := 0; ok && i < 5; i++ {
		var a answer
		a, ok = l.do(th, input{kind: redeem, token: token}, l.s.refresh("worker", token))
		token = a.tokens().RefreshToken
	}
	if ok && chance() {
		_, ok = l.do(th, input{kind: revokeFamily, token: token}, l.s.revoke("worker", token))
	}
	return ok
}

func (l *load) newFamily() (*thing, bool) {
	born, ok := l.begin()
	if !ok {
		return nil, false
	}
	first := born.tokens()
	return l.thing(&thing{
		what: "a family", born: born, model: familyModel(first.RefreshToken, l.grace),
		probe: func(a *aftermath) { l.probeFamily(a, first) },
	}), true
}

// probeFamily asks about the newest tokens that anybody can know of, uses them, and at last uses the first one again.
func (l *load) probeFamily(a *aftermath, first tokens) {
	known := append([]tokens{first}, tokensOf(a.certain)...)
	newest := known[len(known)-1]
	for _, k := range append(known[max(0, len(known)-2):], tokensOf(a.doubtful)...) {
		a.ask(introspectRefresh, k.RefreshToken, l.s.introspect("worker", k.RefreshToken))
	}
	a.ask(introspectAccess, "", l.s.introspect("worker", newest.AccessToken))
	use := l.s.refresh("worker", newest.RefreshToken)
	next := a.ask(redeem, newest.RefreshToken, use).tokens()
	if next.RefreshToken != "" {
		a.ask(redeem, newest.RefreshToken, use)
		a.ask(introspectRefresh, next.RefreshToken, l.s.introspect("worker", next.RefreshToken))
	}
	a.ask(redeem, first.RefreshToken, l.s.refresh("worker", first.RefreshToken))
	a.ask(introspectAccess, "", l.s.introspect("worker", newest.AccessToken))
}

// sharedFamily has two clients use one family at once.
func (l *load) sharedFamily() bool {
	th, ok := l.newFamily()
	if !ok {
		return false
	}
	th.what, th.shared = "a shared family", true
	known := &chain{tokens: []string{th.born.tokens().RefreshToken}}
	var wg sync.WaitGroup
	var lost atomic.Bool
	for range 2 {
		wg.Go(func() {
			for range 5 {
				token := known.last(1)[0]
				a, _ := l.do(th, input{kind: redeem, token: token}, l.s.refresh("worker", token))
				known.learn(a)
				if a.status == 0 || a.status >= 500 {
					lost.Store(true)
					return
				}
			}
		})
	}
	wg.Wait()
	return !lost.Load()
}

// assertion uses one, and perhaps again.
func (l *load) assertion() bool {
	use := l.s.bearer(l.s.issuer.assertion(l.t, "alice@example.com"))
	th := l.thing(&thing{what: "an assertion", model: assertionModel(), probe: func(a *aftermath) {
		l.askIssued(a, "worker")
		l.askDoubtful(a, "worker")
		a.ask(redeem, "", use)
		a.ask(redeem, "", use)
		l.askIssued(a, "worker")
	}})
	_, ok := l.do(th, input{kind: redeem}, use)
	if ok && chance() {
		a, _ := l.do(th, input{kind: redeem}, use)
		ok = a.status == http.StatusBadRequest
	}
	return ok
}

// askIssued asks about what was issued for a thing that may be used once, when the answer had left.
func (l *load) askIssued(a *aftermath, app string) {
	for _, k := range tokensOf(a.certain) {
		a.ask(introspectAccess, "", l.s.introspect(app, k.AccessToken))
		a.ask(introspectRefresh, "", l.s.introspect(app, k.RefreshToken))
	}
}

// askDoubtful asks about the families that uses without an answer may have begun: they are there if, and only if, the thing is used.
func (l *load) askDoubtful(a *aftermath, app string) {
	for _, k := range tokensOf(a.doubtful) {
		a.ask(introspectRefresh, "", l.s.introspect(app, k.RefreshToken))
	}
}

// code signs in once for many codes, and uses them once, twice or not at all.
func (l *load) code() bool {
	b, err := l.s.trySignIn()
	if err != nil {
		return l.gaveUp(err)
	}
	for range 6 {
		code, verifier, err := b.tryCode()
		if err != nil || code == "" {
			return l.gaveUp(fmt.Errorf("no code: %w", err))
		}
		born, use := b.last, l.s.redeem(code, verifier)
		th := l.thing(&thing{what: "a code", model: codeModel(), born: &born, probe: func(a *aftermath) {
			l.askIssued(a, "web")
			l.askDoubtful(a, "web")
			a.ask(redeem, "", use)
			l.askIssued(a, "web")
			a.ask(redeem, "", use)
			l.askIssued(a, "web")
		}})
		if chance() {
			continue
		}
		a, ok := l.do(th, input{kind: redeem}, use)
		if ok && chance() {
			a, _ = l.do(th, input{kind: redeem}, use)
		}
		if a.status == 0 || a.status >= 500 {
			return false
		}
	}
	return true
}

// gaveUp is an error of a browser's, which only a kill excuses.
func (l *load) gaveUp(err error) bool {
	if !l.excused.Load() {
		l.t.Error(err)
	}
	return false
}

// exchanges: what was exchanged from a session dies with it.
func (l *load) exchanges() bool {
	born, ok := l.begin()
	if !ok {
		return false
	}
	first := born.tokens()
	trade := func(wanted string) *call { return l.s.exchange(first.AccessToken, wanted) }
	end := l.s.revoke("worker", first.RefreshToken)
	th := l.thing(&thing{what: "a session with exchanges", remote: true, model: sessionModel(), born: born, probe: func(a *aftermath) {
		all := func() {
			for _, k := range tokensOf(a.certain) {
				a.ask(introspectAccess, "", l.s.introspect("reports", k.AccessToken))
				if k.RefreshToken != "" {
					a.ask(introspectRefresh, "", l.s.introspect("reports", k.RefreshToken))
				}
			}
			a.ask(introspectAccess, "", l.s.introspect("worker", first.AccessToken))
			a.ask(introspectRefresh, "", l.s.introspect("worker", first.RefreshToken))
		}
		all()
		a.ask(exchange, "", trade("access_token"))
		a.ask(revokeFamily, "", end)
		all()
	}})
	for _, wanted := range []string{"refresh_token", "access_token"} {
		if _, ok = l.do(th, input{kind: exchange}, trade(wanted)); !ok {
			return false
		}
	}
	if chance() {
		_, ok = l.do(th, input{kind: revokeFamily}, end)
	}
	return ok
}
