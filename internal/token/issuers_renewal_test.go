package token

import (
	"fmt"
	"testing"
	"time"
)

// An issuer that starts anew may have a new key under its old kid, or publish one without any: found at once, but not more often than the
// cool-down allows.
func TestKeyReplacedUnderItsKid(t *testing.T) {
	for _, kid := range []string{"e", ""} {
		c := newClock()
		f := newForeign(t, publicKey("p256", "e"))
		i := newIssuers(c)
		for _, step := range []struct {
			move      time.Duration
			published string
			signed    string
			ok        bool
			sets      int32
		}{
			{0, "p256", "p256", true, 1},
			{freshSet - time.Second, "p256-other", "p256-other", false, 1}, // the set is too young to be at fault
			{time.Second, "p256-other", "p256-other", true, 2},
			{0, "p256-other", "p256", false, 2},
			{unknownCooldown - time.Second, "p256", "p256", false, 2},
			{0, "p256", "p256-other", true, 2},
			{time.Second, "p256", "p256", true, 3},
			{freshSet, "p256", "p256-other", false, 3},
		} {
			c.move(step.move)
			f.publish(publicKey(step.published, "e"))
			err := f.verify(t, i, c, step.signed, kid)
			if step.ok != (err == nil) || !step.ok && !refused(err, "signature") {
				t.Errorf("kid %q, %+v: %v", kid, step, err)
			}
			if n := f.sets.Load(); n != step.sets {
				t.Errorf("kid %q, %+v: %d sets fetched", kid, step, n)
			}
		}
	}
}

// A stranger's bad signatures cost the issuer what unknown kids do, one fetch a minute for both together; while the issuer is down they are
// bad signatures still. Assertions that verify wait for none of it.
func TestBadSignatures(t *testing.T) {
	c := newClock()
	f := newForeign(t, publicKey("p256", "e"))
	i := newIssuers(c)
	if err := f.verify(t, i, c, "p256", "e"); err != nil {
		t.Fatal(err)
	}
	c.move(freshSet)
	for n := range 50 {
		if err := f.verify(t, i, c, "p256-other", "e"); !refused(err, "signature") {
			t.Fatal(err)
		}
		if err := f.verify(t, i, c, "p256-other", fmt.Sprint("x", n)); !refused(err, "no key") {
			t.Fatal(err)
		}
	}
	c.move(unknownCooldown - time.Second)
	if err := f.verify(t, i, c, "p256-other", "e"); !refused(err, "signature") || f.sets.Load() != 2 {
		t.Errorf("%v; %d sets fetched within a minute, want 2", err, f.sets.Load())
	}
	c.move(time.Second)
	f.down.Store(true)
	for range 10 {
		if err := f.verify(t, i, c, "p256-other", "e"); !refused(err, "signature") {
			t.Errorf("while the issuer is down: %v", err)
		}
	}
	if n := f.documents.Load(); n != 3 {
		t.Errorf("%d attempts, want 3", n)
	}
	f.down.Store(false)
	c.move(unknownCooldown)
	f.gate = make(chan struct{})
	done := make(chan error)
	go func() { done <- f.verify(t, i, c, "p256-other", "e") }()
	eventually(t, "the refetch begins", func() bool { return f.sets.Load() == 3 })
	if err := f.verify(t, i, c, "p256", "e"); err != nil {
		t.Error(err)
	}
	close(f.gate)
	if err := <-done; !refused(err, "signature") {
		t.Error(err)
	}
}

// Of many who come with a new key at once, none is refused because another's fetch ended while it verified.
func TestSetRenewedMeanwhile(t *testing.T) {
	for _, fault := range []error{errUnknownKey, errBadSignature} {
		c := newClock()
		f := newForeign(t, publicKey("p256", "old"))
		i := newIssuers(c)
		if err := f.verify(t, i, c, "p256", "old"); err != nil {
			t.Fatal(err)
		}
		tries := 0
		err := i.withKeys(ctx, f.URL, func(keys []foreignKey) error {
			if tries++; tries == 1 {
				f.publish(publicKey("p256-other", "new"))
				if err := f.verify(t, i, c, "p256-other", "new"); err != nil {
					t.Error(err)
				}
				return fault
			}
			if len(keys) != 1 || keys[0].id != "new" {
				t.Errorf("the later set is %v", keys)
			}
			return nil
		})
		if err != nil || tries != 2 || f.sets.Load() != 2 {
			t.Errorf("%v after %d tries and %d sets", err, tries, f.sets.Load())
		}
	}
}
