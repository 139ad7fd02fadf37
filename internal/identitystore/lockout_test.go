package identitystore

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

func TestLockout(t *testing.T) {
	h, ada := signer(t)
	for range maxFailures - 1 {
		h.try("ada", wrong)
	}
	if !h.try("Ada", right) {
		t.Fatal("nine failures must not lock")
	}
	// A success has cleared them. The name's spelling is no way around: the user is counted.
	for i := range maxFailures {
		h.try([]string{"ada", "ADA", "aDa"}[i%3], wrong)
	}
	if h.try("ada", right) {
		t.Fatal("ten failures must lock, even for the right password")
	}
	h.clock.advance(firstLock - time.Second)
	if h.try("ada", right) {
		t.Fatal("still locked")
	}
	h.clock.advance(2 * time.Second)
	// Attempts on a locked user have not made it longer.
	if !h.try("ada", right) {
		t.Fatal("the lock must end")
	}
	h.view(func(tx *store.Tx) error {
		p, err := passwords.Get(tx, testStore, ada)
		if p.Failures != 0 || p.Locks != 0 || !p.LockedUntil.IsZero() {
			t.Errorf("a success must clear: %+v", p)
		}
		return err
	})
	// The count is kept in the store, not in the server.
	for range maxFailures {
		h.try("ada", wrong)
	}
	again := &Server{DB: h.DB, passwordChecks: passwordChecks{cost: cheap}}
	if _, err := again.SignIn(t.Context(), testStore, "ada", right); !errors.Is(err, ErrSignIn) {
		t.Error("another server on the same store:", err)
	}
	// A new password ends the lock.
	h.update(func(tx *store.Tx) error { return h.SetPassword(tx, testStore, ada, wrong) })
	if !h.try("ada", wrong) {
		t.Error("a new password must end the lock")
	}
}

func TestLockFor(t *testing.T) {
	for locks, want := range map[int64]time.Duration{0: 5 * time.Minute, 1: 10 * time.Minute, 3: 40 * time.Minute, 4: time.Hour, 1 << 40: time.Hour} {
		if got := lockFor(locks); got != want {
			t.Errorf("%d: %v", locks, got)
		}
	}
}

// fail fails so many times, one second apart.
func (h *house) fail(times int) {
	h.Helper()
	for range times {
		h.clock.advance(time.Second)
		if h.try("ada", wrong) {
			h.Fatal("signed in with a wrong password")
		}
	}
}

// After a lock there are a few tries again, and then a longer one; the user who comes back in between gets in.
func TestLaterLocks(t *testing.T) {
	h, ada := signer(t)
	lockedFor := func() time.Duration {
		var p password
		h.view(func(tx *store.Tx) (err error) { p, err = passwords.Get(tx, testStore, ada); return err })
		return p.LockedUntil.Sub(h.clock.Now())
	}
	h.fail(maxFailures)
	for _, want := range []time.Duration{5, 10, 20, 40, 60, 60} {
		if got := lockedFor(); got != want*time.Minute {
			t.Fatalf("locked for %v, want %v minutes", got, want)
		}
		h.clock.advance(want*time.Minute - time.Second)
		if h.try("ada", right) {
			t.Fatal("a lock ended early")
		}
		h.clock.advance(time.Second)
		h.fail(laterFailures - 1)
		if got := lockedFor(); got > 0 {
			t.Fatalf("locked for %v after %d failures", got, laterFailures-1)
		}
		h.fail(1)
	}
	h.clock.advance(longestLock)
	h.fail(laterFailures - 1)
	if !h.try("ada", right) {
		t.Fatal("no lock, and yet refused")
	}
	h.fail(maxFailures)
	if got := lockedFor(); got != firstLock {
		t.Errorf("after a success the first lock is %v", got)
	}
}

// What happened is forgotten when nothing has for a day, and not a moment earlier.
func TestFailuresAreForgotten(t *testing.T) {
	h, _ := signer(t)
	h.fail(maxFailures)
	h.clock.advance(forgetFailures - 2*time.Second)
	h.fail(laterFailures) // a second early: the longer lock
	h.clock.advance(firstLock + time.Minute)
	if h.try("ada", right) {
		t.Fatal("the second lock was forgotten early")
	}
	h.clock.advance(forgetFailures)
	h.fail(maxFailures - 1)
	h.clock.advance(forgetFailures)
	h.fail(maxFailures - 1)
	if !h.try("ada", right) {
		t.Fatal("failures of the day before count")
	}
}

// However many guess at once, ten are judged, and after the lock three; the right password among them makes no difference
// to that.
func TestParallelGuesses(t *testing.T) {
	h, ada := signer(t)
	for locks, allowed := range []int32{maxFailures, laterFailures, laterFailures} {
		if got := h.judged(100); got != allowed {
			t.Errorf("%d guesses were judged, want %d", got, allowed)
		}
		if h.try("ada", right) {
			t.Error("must be locked")
		}
		h.view(func(tx *store.Tx) error {
			p, err := passwords.Get(tx, testStore, ada)
			if p.Locks != int64(locks+1) || p.Failures != 0 {
				t.Errorf("%+v", p)
			}
			return err
		})
		h.clock.advance(longestLock)
	}
}

// judged makes so many wrong guesses at once and says how many of them were compared with the password.
func (h *house) judged(guesses int) int32 {
	var judged atomic.Int32
	var wg sync.WaitGroup
	for range guesses {
		wg.Go(func() {
			_, err := h.SignIn(h.Context(), testStore, "ada", wrong)
			if err == nil || !errors.Is(err, ErrSignIn) {
				h.Error(err)
			} else if strings.Contains(err.Error(), "wrong password") {
				judged.Add(1)
			}
		})
	}
	wg.Wait()
	return judged.Load()
}
