package token

import (
	"errors"
	"testing"
	"time"

	"github.com/symbolon/symbolon/internal/store"
)

func TestSessionChain(t *testing.T) {
	s, err := NewSession(nil)
	if err != nil || s.ID == "" || s.Ancestors != nil {
		t.Fatalf("%+v %v", s, err)
	}
	root := s.ID
	for depth := 1; depth <= MaxDepth; depth++ {
		child, err := NewSession(&s)
		if err != nil || len(child.Ancestors) != depth || child.Ancestors[0] != s.ID || child.Ancestors[depth-1] != root {
			t.Fatalf("depth %d: %+v %v", depth, child, err)
		}
		s = child
	}
	if _, err := NewSession(&s); !errors.Is(err, ErrTooDeep) {
		t.Errorf("deeper: %v", err)
	}
	if _, err := NewSession(&Session{}); err == nil {
		t.Error("a parent without an id was taken")
	}
}

// TestSessionIDs: no two are the same, and those of one moment begin alike.
func TestSessionIDs(t *testing.T) {
	seen := map[string]bool{}
	for range 10_000 {
		seen[newSessionID()] = true
	}
	if len(seen) != 10_000 {
		t.Errorf("%d of 10000 ids", len(seen))
	}
	heads := map[string]bool{}
	for id := range seen {
		heads[id[:4]] = true // the first four characters last for more than 12 days
	}
	if len(heads) > 2 {
		t.Errorf("the ids of a moment begin in %d ways", len(heads))
	}
}

func TestRevocation(t *testing.T) {
	c := newClock()
	db := openStore(t, c.now)
	root, _ := NewSession(nil)
	child, _ := NewSession(&root)
	sibling, _ := NewSession(&root)
	grandchild, _ := NewSession(&child)
	revoked := func(s Session) (id string, is bool) {
		if err := db.View(ctx, func(tx *store.Tx) (err error) { id, is, err = Revoked(tx, s); return err }); err != nil {
			t.Fatal(err)
		}
		return id, is
	}
	revoke := func(id, reason string, until time.Time) {
		update(t, db, func(tx *store.Tx) error { return Revoke(tx, id, reason, until) })
	}
	hour := c.now().Add(time.Hour)
	revoke(child.ID, "logout", hour)
	for _, s := range []Session{child, grandchild} {
		if id, is := revoked(s); !is || id != child.ID {
			t.Errorf("%v is not revoked by %s: %q", s, child.ID, id)
		}
	}
	for _, s := range []Session{root, sibling, {}} {
		if id, is := revoked(s); is {
			t.Errorf("%v is revoked by %q", s, id)
		}
	}
	// Again: only a later end counts, the first reason stays.
	revoke(child.ID, "again", hour.Add(-time.Minute))
	revoke(child.ID, "again", hour.Add(time.Minute))
	update(t, db, func(tx *store.Tx) error {
		row, err := revocationTable.Get(tx, child.ID)
		if err == nil && (!row.Until.Equal(hour.Add(time.Minute)) || row.Reason != "logout") {
			t.Errorf("%+v", row)
		}
		return err
	})
	c.move(time.Hour)
	if _, is := revoked(child); !is {
		t.Error("ended before its extended end")
	}
	c.move(time.Minute)
	if _, is := revoked(child); is {
		t.Error("outlives the last token")
	}
	for _, f := range []func(tx *store.Tx) error{
		func(tx *store.Tx) error { return Revoke(tx, "", "x", hour) },
		func(tx *store.Tx) error { return Revoke(tx, "x", "x", time.Time{}) },
	} {
		if err := db.Update(ctx, f); err == nil {
			t.Error("a revocation without session or end was taken")
		}
	}
}
