package oidc

import (
	"context"
	"maps"

	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// update is DB.Update whose runs each begin with the notes there were before the first: an event never tells of what a run that lost
// a conflict would have done.
func (s *Server) update(ctx context.Context, fn func(tx *store.Tx) error) error {
	call := wire.CallFrom(ctx)
	if call == nil {
		return s.DB.Update(ctx, fn)
	}
	before := maps.Clone(call.Audit)
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		call.Audit = maps.Clone(before)
		return fn(tx)
	})
}

// noteReuse marks in the audit event that something for one use was used again, by the grant it belongs to: theft, or a broken client.
func noteReuse(tx *store.Tx, grantType string) { addNote(tx, "reuseDetected", grantType) }

// addNote puts a member into the audit event's additionalEventData.
func addNote(tx *store.Tx, name string, value any) {
	call := wire.CallFrom(tx.Context())
	if call == nil {
		return
	}
	if call.Audit == nil {
		call.Audit = map[string]any{}
	}
	call.Audit[name] = value
}
