package oidc

import (
	"context"
	"slices"

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
	before := slices.Clone(call.Audit)
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		call.Audit = slices.Clone(before)
		return fn(tx)
	})
}

// noteReuse marks in the audit event that something for one use was used again, by the grant it belongs to: theft, or a broken client.
func noteReuse(tx *store.Tx, grantType string) { notes(tx).Text("reuseDetected", grantType) }

// NoteRefusal is the member of additionalEventData that holds the details of a refusal, for Explain. An answer that is no refusal has
// it, too, where it says that a token is not in force.
const NoteRefusal = "refusal"

// notes is what the rooms add to the audit event of the call that tx belongs to; outside a call nobody reads it.
func notes(tx *store.Tx) *wire.Notes {
	if call := wire.CallFrom(tx.Context()); call != nil {
		return &call.Audit
	}
	return new(wire.Notes)
}
