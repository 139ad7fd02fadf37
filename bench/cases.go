package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"time"
)

// benchCase is one kind of request: how to prepare n of them, and what to keep of the answers.
type benchCase struct {
	name    string
	prepare func(ctx context.Context, n int) ([][]byte, error)
	keep    func(bodies [][]byte) error
}

// The cases' names, which the goals look them up by.
const (
	bareName      = "bare net/http"
	refreshName   = "refresh_token"
	refreshIDName = "refresh_token + ID token"
	bearerName    = "jwt-bearer RS256 + ID token"
	exchangeName  = "token-exchange + ID token"
	codeName      = "authorization_code + ID token"
	introspecting = "introspection"
	oneUserName   = "one user: jwt-bearer"
	oneUserAgain  = "one user: refresh_token"
)

var (
	plain  = []string{"reports:read"}
	openID = []string{"reports:read", "openid"}
)

func (w *world) selectCases() (chosen []*benchCase) {
	for _, c := range []*benchCase{
		{name: refreshName, prepare: w.refreshes(plain, &w.refresh), keep: keepRefresh(&w.refresh)},
		{name: refreshIDName, prepare: w.refreshes(openID, &w.refresh), keep: keepRefresh(&w.refresh)},
		{name: "refresh_token, all scopes", prepare: w.refreshes(nil, &w.refresh), keep: keepRefresh(&w.refresh)},
		{name: bearerName, prepare: func(_ context.Context, n int) ([][]byte, error) { return w.assertions(n, "RS256", openID, email) }},
		{name: exchangeName, prepare: w.exchanges},
		{name: codeName, prepare: w.codes},
		{name: introspecting, prepare: w.introspections},
		{name: oneUserName, prepare: w.oneUserAssertions, keep: keepNew(&w.oneUser)},
		{name: oneUserAgain, prepare: w.refreshes(plain, &w.oneUser), keep: keepRefresh(&w.oneUser)},
	} {
		if w.only.MatchString(c.name) {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

// alone are the cases of one client alone: how long a refresh takes when nothing else happens.
func (w *world) alone() []*benchCase {
	for _, c := range w.cases {
		if c.name == refreshName {
			return []*benchCase{c}
		}
	}
	return nil
}

// yardstick drives the bare server over n connections.
func (l *lab) yardstick(ctx context.Context, r *report, n int) (*pass, error) {
	bare, err := drive(ctx, l.bare, n, l.bareRequests(4*l.passLength(n)), false)
	if err == nil {
		r.add(sample{"", bareName, n}, bare, bare)
	}
	return bare, err
}

// passLength is how many requests of a case one pass has.
func (l *lab) passLength(connections int) int {
	if connections == 1 {
		return min(l.requests, 500)
	}
	return l.requests
}

// round drives every case once, over n connections. against gives the pass that a case's rate is compared with; it is asked just before.
func (w *world) round(ctx context.Context, r *report, n int, cases []*benchCase, against func(name string) (*pass, error)) (map[string]*pass, error) {
	passes := map[string]*pass{}
	for _, c := range cases {
		prepared, err := c.prepare(ctx, w.passLength(n))
		if err != nil {
			return nil, fmt.Errorf("preparing %s: %w", c.name, err)
		}
		if err := w.startProfile(); err != nil {
			return nil, err
		}
		yardstick, err := against(c.name)
		if err != nil {
			return nil, err
		}
		runtime.GC() // the generator's garbage is not the pass's
		time.Sleep(50 * time.Millisecond)
		p, err := w.drive(ctx, n, prepared, c.keep != nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		if c.keep != nil {
			if err := c.keep(p.bodies); err != nil {
				return nil, err
			}
			p.bodies = nil
		}
		w.highest = max(w.highest, p.resident)
		passes[c.name] = p
		r.add(sample{w.store, c.name, n}, p, yardstick)
	}
	return passes, nil
}

// drive is a pass over the server, with what its database used meanwhile.
func (w *world) drive(ctx context.Context, n int, requests [][]byte, keep bool) (*pass, error) {
	before, err := w.databaseCPU()
	if err != nil {
		return nil, err
	}
	p, err := drive(ctx, w.symbolon, n, requests, keep)
	if err != nil {
		return nil, err
	}
	after, err := w.databaseCPU()
	p.database = after - before
	return p, err
}

func (l *lab) bareRequests(n int) [][]byte {
	body := strings.Repeat("x", 1024)
	request := []byte("POST / HTTP/1.1\r\nHost: " + l.bare.address + "\r\nContent-Type: application/json\r\nUser-Agent: symbolon-bench\r\n" +
		"Content-Length: 1024\r\n\r\n" + body)
	requests := make([][]byte, n)
	for i := range requests {
		requests[i] = request
	}
	return requests
}

// prepared makes n requests on all cores.
func prepared(n int, one func(i int) ([]byte, error)) ([][]byte, error) {
	requests := make([][]byte, n)
	return requests, inParallel(n, func(i int) (err error) {
		requests[i], err = one(i)
		return err
	})
}

// refreshes are of as many of the families as there are, up to n.
func (w *world) refreshes(scope []string, families *[]string) func(context.Context, int) ([][]byte, error) {
	return func(_ context.Context, n int) ([][]byte, error) {
		return prepared(min(n, len(*families)), func(i int) ([]byte, error) {
			return w.token("worker", scope, map[string]string{"grantType": "refresh_token", "refreshToken": (*families)[i]})
		})
	}
}

// keepRefresh takes every family one generation on.
func keepRefresh(families *[]string) func([][]byte) error {
	return func(bodies [][]byte) error {
		for i, body := range bodies {
			if body == nil {
				continue
			}
			next, err := refreshTokenIn(body)
			if err != nil {
				return err
			}
			if next == (*families)[i] {
				return fmt.Errorf("a refresh without rotation: %s", body)
			}
			(*families)[i] = next
		}
		return nil
	}
}

// keepNew forgets the families of before and keeps these.
func keepNew(families *[]string) func([][]byte) error {
	return func(bodies [][]byte) error {
		*families = (*families)[:0]
		for _, body := range bodies {
			if body == nil {
				continue
			}
			first, err := refreshTokenIn(body)
			if err != nil {
				return err
			}
			*families = append(*families, first)
		}
		return nil
	}
}

func refreshTokenIn(body []byte) (string, error) {
	var k struct{ RefreshToken string }
	err := json.Unmarshal(body, &k)
	if err == nil && k.RefreshToken == "" {
		err = fmt.Errorf("no refresh token: %s", body)
	}
	return k.RefreshToken, err
}

// oneUserAssertions are all of one user, so that one person's records are what everybody contends for.
func (w *world) oneUserAssertions(_ context.Context, n int) ([][]byte, error) {
	return w.assertions(min(n, 1000), "ES256", plain, func(int) string { return email(0) })
}

func (w *world) assertions(n int, algorithm string, scope []string, email func(int) string) ([][]byte, error) {
	return prepared(n, func(i int) ([]byte, error) {
		assertion, err := w.issuer.assertion(algorithm, email(i))
		if err != nil {
			return nil, err
		}
		return w.token("worker", scope, map[string]string{"grantType": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion})
	})
}

func (w *world) exchanges(_ context.Context, n int) ([][]byte, error) {
	return prepared(n, func(i int) ([]byte, error) {
		return w.token("reports", openID, map[string]string{
			"grantType": "urn:ietf:params:oauth:grant-type:token-exchange", "subjectToken": w.access[i],
			"subjectTokenType": "urn:ietf:params:oauth:token-type:access_token",
		})
	})
}

func (w *world) introspections(_ context.Context, n int) ([][]byte, error) {
	return prepared(n, func(i int) ([]byte, error) { return w.introspection("worker", w.access[i]) })
}
