package oidc

import (
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
)

// spoiled is a backend whose next commit can fail, before it did anything, or after it did everything, so that nobody learns of it.
type spoiled struct {
	store.Backend
	next atomic.Int32
}

const (
	sound int32 = iota
	failBefore
	failAfter
)

var errSpoiled = errors.New("spoiled")

func (s *spoiled) Commit(commits []*store.Commit) error {
	switch s.next.Swap(sound) {
	case failBefore:
		return errSpoiled
	case failAfter:
		return errors.Join(s.Backend.Commit(commits), errSpoiled)
	}
	return s.Backend.Commit(commits)
}

// spoil presents evidence while the commit fails: nothing is issued, and the client may come again.
func (w *world) spoil(how int32, evidence params) {
	w.t.Helper()
	body, err := json.Marshal(with(evidence, params{"clientId": w.presentedBy}))
	must(w.t, err)
	w.commits.next.Store(how)
	a := w.do(w.t, w.signed(w.t, w.caller, "/token?aws_iam=t", "application/json", body))
	if left := w.commits.next.Swap(sound); left != sound {
		w.t.Fatal("nothing was committed")
	}
	if a.status != http.StatusServiceUnavailable || a.body["accessToken"] != nil || a.body["refreshToken"] != nil {
		w.t.Errorf("the answer is %d %s", a.status, a.text)
	}
	if a.event.err == nil {
		w.t.Error("its event has no error")
	}
}

// committing is evidence whose grant commits something: an exchange for an access token does not.
func (r *row) committing(w *world) params {
	evidence := r.make(w)
	if r.reusable {
		evidence = with(evidence, wantsRefresh)
	}
	return evidence
}

// TestCommitFails: a grant whose commit fails has used nothing; the same evidence works afterwards.
func TestCommitFails(t *testing.T) {
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			w := newHousedWorld(t)
			evidence := r.committing(w)
			for range 2 {
				w.spoil(failBefore, evidence)
			}
			w.refresh(w.present(evidence).granted(t))
		})
	}
}

// TestCommitUnheardOf: a grant whose commit happened although nobody heard of it has used its evidence. A code and an assertion are
// spent, and the second use of the code ends what was issued unseen; a refresh token gets its successor inside the grace window.
func TestCommitUnheardOf(t *testing.T) {
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			w := newHousedWorld(t)
			evidence := r.committing(w)
			before := w.liveFamilies()
			w.spoil(failAfter, evidence)
			again := w.present(evidence)
			switch r.grant {
			case ssoadmin.GrantAuthorizationCode:
				again.refused(t, "InvalidGrantException", "")
				if n := w.liveFamilies(); n != before {
					t.Errorf("%d families live, %d before the code", n, before)
				}
			case ssoadmin.GrantJWTBearer:
				again.refused(t, "InvalidGrantException", "")
			case ssoadmin.GrantRefreshToken:
				if _, noted := again.granted(t).event.notes["refreshReplay"]; !noted {
					t.Error("that was no replay")
				}
				w.refresh(again)
			default:
				w.refresh(again.granted(t))
			}
		})
	}
}

// TestStrictCommitUnheardOf: without a grace window the client that comes again looks like a thief, and the family ends.
func TestStrictCommitUnheardOf(t *testing.T) {
	w := newHousedWorld(t)
	w.RefreshGrace = 0
	first := w.family()
	w.spoil(failAfter, refreshing(first))
	w.present(refreshing(first)).refused(t, "InvalidGrantException", "")
	w.dead(first)
}

// TestRevocationFails: a revocation whose commit fails is not acknowledged; asked for again, it is in force.
func TestRevocationFails(t *testing.T) {
	for _, how := range []int32{failBefore, failAfter} {
		w := newHousedWorld(t)
		first := w.family()
		w.commits.next.Store(how)
		a := w.form("/oauth2/revoke", w.client, map[string][]string{"token": {first.str("refreshToken")}})
		if a.status != http.StatusServiceUnavailable {
			t.Errorf("an answer is %d %s", a.status, a.text)
		}
		if how == failBefore {
			first = w.refresh(first)
		}
		w.revoke(w.client, first.str("refreshToken"))
		w.dead(first)
	}
}

// liveFamilies counts the client's families whose session has not ended.
func (w *world) liveFamilies() (n int) {
	w.t.Helper()
	must(w.t, w.DB.View(w.t.Context(), func(tx *store.Tx) error {
		n = 0
		rows, err := families.List(tx, store.Query{})
		for _, f := range rows {
			if f.RevokedAt.IsZero() && w.checkSession(tx, &standing{session: f.session()}) == nil && f.ApplicationARN == w.client.ARN {
				n++
			}
		}
		return err
	}))
	return n
}
