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
	goal    float64 // of the bare server's requests per second; 0 = none set
	prepare func(ctx context.Context, n int) ([][]byte, error)
	keep    func(bodies [][]byte) error
}

var (
	plain  = []string{"reports:read"}
	openID = []string{"reports:read", "openid"}
)

func (w *world) selectCases() (chosen []*benchCase) {
	for _, c := range []*benchCase{
		{name: "refresh_token", goal: 0.25, prepare: w.refreshes(plain), keep: w.keepRefresh},
		{name: "refresh_token + ID token", goal: 0.17, prepare: w.refreshes(openID), keep: w.keepRefresh},
		{name: "refresh_token, all scopes", prepare: w.refreshes(nil), keep: w.keepRefresh},
		{name: "jwt-bearer RS256 + ID token", goal: 0.11, prepare: func(_ context.Context, n int) ([][]byte, error) { return w.assertions(n, "RS256", openID) }},
		{name: "token-exchange + ID token", goal: 0.17, prepare: w.exchanges},
		{name: "authorization_code + ID token", goal: 0.15, prepare: w.codes},
		{name: "introspection", goal: 0.5, prepare: w.introspections},
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
		if c.name == "refresh_token" {
			return []*benchCase{c}
		}
	}
	return nil
}

// round drives the bare server and every case once, over n connections.
func (w *world) round(ctx context.Context, r *report, n int, cases []*benchCase) error {
	requests := w.requests
	if n == 1 {
		requests = min(requests, 500)
	}
	bare, err := drive(ctx, w.bare, n, w.bareRequests(10*requests), false)
	if err != nil {
		return err
	}
	r.add(sample{"bare net/http", n, 0}, bare, bare)
	for _, c := range cases {
		prepared, err := c.prepare(ctx, requests)
		if err != nil {
			return fmt.Errorf("preparing %s: %w", c.name, err)
		}
		if err := w.startProfile(); err != nil {
			return err
		}
		runtime.GC() // the generator's garbage is not the pass's
		time.Sleep(50 * time.Millisecond)
		p, err := drive(ctx, w.symbolon, n, prepared, c.keep != nil)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if c.keep != nil {
			if err := c.keep(p.bodies); err != nil {
				return err
			}
		}
		r.add(sample{c.name, n, c.goal}, p, bare)
	}
	return nil
}

func (w *world) bareRequests(n int) [][]byte {
	body := strings.Repeat("x", 1024)
	request := []byte("POST / HTTP/1.1\r\nHost: " + w.bare.address + "\r\nContent-Type: application/json\r\nUser-Agent: symbolon-bench\r\n" +
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

func (w *world) refreshes(scope []string) func(context.Context, int) ([][]byte, error) {
	return func(_ context.Context, n int) ([][]byte, error) {
		return prepared(n, func(i int) ([]byte, error) {
			return w.token("worker", scope, map[string]string{"grantType": "refresh_token", "refreshToken": w.refresh[i]})
		})
	}
}

// keepRefresh takes every family one generation on.
func (w *world) keepRefresh(bodies [][]byte) error {
	for i, body := range bodies {
		if body == nil {
			continue
		}
		var k struct{ RefreshToken string }
		if err := json.Unmarshal(body, &k); err != nil {
			return err
		}
		if k.RefreshToken == "" || k.RefreshToken == w.refresh[i] {
			return fmt.Errorf("a refresh without rotation: %s", body)
		}
		w.refresh[i] = k.RefreshToken
	}
	return nil
}

func (w *world) assertions(n int, algorithm string, scope []string) ([][]byte, error) {
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
