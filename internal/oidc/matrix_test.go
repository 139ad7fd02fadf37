package oidc

import (
	"slices"
	"testing"

	"github.com/symbolon/symbolon/internal/ssoadmin"
)

// row is one way to come by evidence of a grant type. Every grant type of the grant table needs a row here: without one the
// matrix fails.
type row struct {
	name  string
	grant string
	make  func(w *world) params
	// like is the row whose outcomes are this one's too where a cause does not name it.
	like string
	// reusable: presenting the evidence again is no fault (an access token may be exchanged many times).
	reusable bool
}

var rows = []row{
	{name: "code", grant: ssoadmin.GrantAuthorizationCode, make: func(w *world) params { return w.codeFor(w.client) }},
	{name: "refresh of a code", grant: ssoadmin.GrantRefreshToken, make: func(w *world) params {
		return refreshing(w.present(w.codeFor(w.client)).granted(w.t))
	}},
	{name: "refresh of an assertion", grant: ssoadmin.GrantRefreshToken, make: func(w *world) params {
		return refreshing(w.present(w.assertion()).granted(w.t))
	}},
	{name: "refresh of an exchange", grant: ssoadmin.GrantRefreshToken, make: func(w *world) params {
		w.subject = w.as(w.front).present(w.codeFor(w.front)).granted(w.t)
		return refreshing(w.present(exchanging(w.subject), wantsRefresh).granted(w.t))
	}},
	{name: "refresh of an exchange after an assertion", like: "refresh of an exchange", grant: ssoadmin.GrantRefreshToken, make: func(w *world) params {
		w.subject = w.as(w.front).present(w.assertion()).granted(w.t)
		return refreshing(w.present(exchanging(w.subject), wantsRefresh).granted(w.t))
	}},
	{name: "assertion", grant: ssoadmin.GrantJWTBearer, make: func(w *world) params { return w.assertion() }},
	{name: "exchange after a code", grant: ssoadmin.GrantTokenExchange, reusable: true, make: func(w *world) params {
		w.subject = w.as(w.front).present(w.codeFor(w.front)).granted(w.t)
		return exchanging(w.subject)
	}},
	{name: "exchange after an assertion", grant: ssoadmin.GrantTokenExchange, reusable: true, make: func(w *world) params {
		w.subject = w.as(w.front).present(w.assertion()).granted(w.t)
		return exchanging(w.subject)
	}},
}

// outcome is what a cell must come to: an exception and what the audit event says of it.
type outcome struct{ exception, reason string }

// succeeds: the cause does not bear on this way to a grant.
var succeeds = outcome{}

// cause is one thing that is disabled, deleted, expired, foreign, unassigned or revoked.
type cause struct {
	name string
	// before prepares the world before there is evidence; may be nil.
	before func(w *world)
	// strike makes the cause.
	strike func(w *world)
	// mend undoes it; then the same evidence must work, because the refusal consumed nothing. nil: it cannot be undone.
	mend func(w *world)
	// more are members to send beside the evidence while the cause lasts.
	more params
	// want is the outcome of the rows that cells do not name.
	want  outcome
	cells map[string]outcome
	// alone: the cause is felt by the whole house.
	alone bool
}

func (c *cause) outcome(r row) outcome {
	for _, name := range []string{r.name, r.like, r.grant} {
		if o, ok := c.cells[name]; ok {
			return o
		}
	}
	return c.want
}

// TestMatrix: every grant × everything that may be wrong. Nothing is accepted, nothing consumed, and the audit event says why.
func TestMatrix(t *testing.T) {
	for _, g := range grantTypes {
		if !slices.ContainsFunc(rows, func(r row) bool { return r.grant == g.name }) {
			t.Errorf("grant type %s has no row in the matrix", g.name)
		}
	}
	h := newHouse(t)
	accepted, cells := 0, 0
	for _, c := range slices.Concat(clientCauses, callerCauses, userCauses, trustCauses) {
		for name := range c.cells {
			if !slices.ContainsFunc(rows, func(r row) bool { return r.name == name || r.grant == name }) {
				t.Errorf("cause %q names the row %q, which does not exist", c.name, name)
			}
		}
		for _, r := range rows {
			want := c.outcome(r)
			cells++
			t.Run(c.name+"/"+r.name, func(t *testing.T) {
				place := h
				if c.alone {
					place = newHouse(t)
				}
				if want != succeeds && cell(t, place, c, r, want) {
					accepted++
				} else if want == succeeds {
					unaffected(t, place, c, r)
				}
			})
		}
	}
	t.Logf("%d cells, %d accepted that must not be", cells, accepted)
}

// cell is one cell of the matrix; it says whether what must be refused was accepted.
func cell(t *testing.T, h *house, c cause, r row, want outcome) bool {
	w := h.newWorld(t)
	if c.before != nil {
		c.before(w)
	}
	evidence := r.make(w)
	c.strike(w)
	a := w.present(evidence, c.more)
	a.refused(t, want.exception, want.reason)
	if c.mend == nil {
		if again := w.present(evidence, c.more); again.status == 200 {
			t.Errorf("the second attempt is accepted: %s", again.text)
		}
		return a.status == 200
	}
	c.mend(w)
	w.present(evidence).granted(t)
	if again := w.present(evidence); !r.reusable && r.grant != ssoadmin.GrantRefreshToken && again.status == 200 {
		t.Errorf("the evidence was consumed by nothing: %s", again.text)
	}
	return a.status == 200
}

// unaffected: the cause has nothing to do with this row, which shows that the matrix breaks what it means to break.
func unaffected(t *testing.T, h *house, c cause, r row) {
	w := h.newWorld(t)
	if c.before != nil {
		c.before(w)
	}
	evidence := r.make(w)
	c.strike(w)
	w.present(evidence, c.more).granted(t)
}

// TestMatrixControl: with nothing wrong every row is granted, so the matrix refuses for its causes alone.
func TestMatrixControl(t *testing.T) {
	h := newHouse(t)
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			w := h.newWorld(t)
			w.present(r.make(w)).granted(t)
		})
	}
}
