package symbolon

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/symbolon/symbolon/internal/audit"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

// Key describes a key of the store: kind, id, algorithm, state and times; nothing secret.
type Key = token.KeyInfo

// MasterKey describes a master key that opens the store, by its fingerprint.
type MasterKey = token.MasterKeyInfo

// KeyVerb is what to do with the keys.
type KeyVerb string

// The verbs of a KeyOrder.
const (
	ListKeys     KeyVerb = "list"
	RotateKeys   KeyVerb = "rotate"
	RetireKey    KeyVerb = "retire"
	Rewrap       KeyVerb = "rewrap"
	FinishRewrap KeyVerb = "finish-rewrap"
	CancelRewrap KeyVerb = "cancel-rewrap"
)

// KeyOrder is an operator's order about the keys of a store.
type KeyOrder struct {
	Verb  KeyVerb  `json:"verb"`
	Kinds []string `json:"kinds,omitempty"` // rotate: kinds such as ES256 or refresh-mac; all if empty
	Now   bool     `json:"now,omitempty"`   // rotate: the new keys are current at once
	ID    string   `json:"id,omitempty"`    // retire
	// Force has retire end the current key, too, which is replaced at once, and finish-rewrap and cancel-rewrap go on although a node has the
	// master key that is withdrawn.
	Force bool `json:"force,omitempty"`
	// NewMasterKey is rewrap's, 32 bytes.
	NewMasterKey []byte `json:"newMasterKey,omitempty"`
}

// KeyReport is what came of a KeyOrder.
type KeyReport struct {
	// Keys are, for list, all keys; for rotate, the new ones; for retire, the retired one and, if one was made, its successor.
	Keys []Key `json:"keys,omitempty"`
	// MasterKeys are those that open the store now, oldest first.
	MasterKeys []MasterKey `json:"masterKeys,omitempty"`
	// Ends says what ended with a retired key.
	Ends string `json:"ends,omitempty"`
}

// Keys carries out an order. What it changes is an audit event, and so is its refusal. A report beside an error says what was done all
// the same.
func (s *Server) Keys(ctx context.Context, o KeyOrder) (*KeyReport, error) {
	report := &KeyReport{}
	err := s.db.Sync(ctx) // an order is judged by what is, not by what this node has heard of
	if err == nil {
		err = s.carryOut(ctx, o, report)
	}
	if err == nil {
		report.MasterKeys, err = s.keys.MasterKeys(ctx)
	}
	if o.Verb == ListKeys {
		return report, err
	}
	if fault := s.recordKeys(ctx, o, report, err); fault != nil {
		err = errors.Join(err, fmt.Errorf("the audit event could not be written: %w", fault))
	}
	return report, err
}

func (s *Server) carryOut(ctx context.Context, o KeyOrder, report *KeyReport) (err error) {
	switch o.Verb {
	case ListKeys:
		report.Keys, err = s.keys.Inventory(ctx)
		return err
	case RotateKeys:
		return s.rotateKeys(ctx, o, report)
	case RetireKey:
		retired, successor, err := s.keys.Retire(ctx, o.ID, o.Force)
		if err != nil {
			return err
		}
		report.Keys, report.Ends = []Key{retired}, retired.Purpose.Ends()
		if successor.ID != "" {
			report.Keys = append(report.Keys, successor)
		}
		return nil
	case Rewrap:
		return s.keys.Rewrap(ctx, o.NewMasterKey)
	case FinishRewrap:
		return s.withdraw(ctx, s.keys.FinishRewrap, "old", "new", o.Force)
	case CancelRewrap:
		return s.withdraw(ctx, s.keys.CancelRewrap, "new", "old", o.Force)
	}
	return fmt.Errorf("there is no order %q about keys", o.Verb)
}

// withdraw takes one of two master keys away, by FinishRewrap or CancelRewrap, unless a node still runs with it. which names it for people.
func (s *Server) withdraw(ctx context.Context, by func(context.Context, func(*store.Tx, string) error) (string, error), which, other string, force bool) error {
	ahead, _, err := s.db.ClockOffset(ctx)
	if err != nil {
		return err
	}
	_, err = by(ctx, func(tx *store.Tx, fingerprint string) error {
		rows, err := nodeTable.List(tx, store.Query{})
		if err != nil || force {
			return err
		}
		for _, n := range rows {
			// One that is silent may go on serving; only after two minutes it is taken for gone.
			if silence := s.config.Now().Add(-ahead).Sub(n.SeenAt); n.MasterKey == fingerprint && silence <= nodeLife {
				return fmt.Errorf("the node %s, heard of %s ago, runs with the %s master key %s: restart it with the %s one first; "+
					"--force leaves it behind", n.Address, max(silence, 0).Truncate(time.Second), which, fingerprint, other)
			}
		}
		return nil
	})
	return err
}

// rotateKeys checks all kinds before it begins.
func (s *Server) rotateKeys(ctx context.Context, o KeyOrder, report *KeyReport) error {
	kinds := token.Purposes()
	if len(o.Kinds) > 0 {
		kinds = nil
		for _, name := range o.Kinds {
			p, err := token.ParsePurpose(name)
			if err != nil {
				return err
			}
			kinds = append(kinds, p)
		}
	}
	rotate := s.keys.Rotate
	if o.Now {
		rotate = s.keys.RotateNow
	}
	for _, p := range kinds {
		key, err := rotate(ctx, p)
		if err != nil {
			return fmt.Errorf("rotating %s: %w", p, err)
		}
		report.Keys = append(report.Keys, key)
	}
	return nil
}

// keyEvents are the names of the orders' events.
var keyEvents = map[KeyVerb]string{
	RotateKeys: "RotateKeys", RetireKey: "RetireKey", Rewrap: "RewrapMasterKey", FinishRewrap: "FinishMasterKeyRewrap", CancelRewrap: "CancelMasterKeyRewrap",
}

// recordKeys is the event of an order, on the operator's own authority.
func (s *Server) recordKeys(ctx context.Context, o KeyOrder, report *KeyReport, refusal error) error {
	details := map[string]any{}
	if o.ID != "" {
		details["id"] = o.ID
	}
	if o.Force {
		details["force"] = true
	}
	if o.Verb == RotateKeys {
		details["kinds"], details["now"] = o.Kinds, o.Now
	}
	if o.Verb == Rewrap {
		details["newMasterKey"] = token.Fingerprint(o.NewMasterKey) // refused ones, too
	}
	if len(report.Keys) > 0 {
		details["keys"] = report.Keys
	}
	if len(report.MasterKeys) > 0 {
		details["masterKeys"] = report.MasterKeys
	}
	e := &audit.Event{
		EventTime: s.config.Now().UTC(), EventSource: "symbolon", EventName: cmp.Or(keyEvents[o.Verb], "UnknownKeyOrder"), EventType: "AwsServiceEvent",
		EventCategory: "Management", AWSRegion: s.config.Region, RequestID: wire.NewRequestID(), SourceIPAddress: "localhost",
		UserIdentity: audit.UserIdentity{Type: "Operator"}, AdditionalEventData: details,
	}
	if refusal != nil {
		e.ErrorCode, e.ErrorMessage = "Failure", refusal.Error()
		details["refusalReason"] = refusal.Error()
	}
	return s.audit.Write(ctx, e)
}

// keysAnswer is what POST /keys answers: a report, an error, or both.
type keysAnswer struct {
	*KeyReport
	Error string `json:"error,omitempty"`
}

func (s *Server) controlKeys(w http.ResponseWriter, r *http.Request) {
	var o KeyOrder
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControlBody)).Decode(&o); err != nil {
		controlAnswer(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	defer clear(o.NewMasterKey)
	report, err := s.Keys(r.Context(), o)
	answer, status := keysAnswer{KeyReport: report}, http.StatusOK
	if err != nil {
		answer.Error, status = err.Error(), http.StatusBadRequest
	}
	controlAnswer(w, status, answer)
}

// OrderKeys has an order carried out: by the server that runs on the data folder, or else on the store itself, which must be there. A list
// changes nothing: not the schema of an older program either, which it refuses.
func OrderKeys(ctx context.Context, c Config, o KeyOrder) (*KeyReport, error) {
	if o.Verb == Rewrap && len(o.NewMasterKey) != token.MasterKeySize {
		return nil, fmt.Errorf("the new master key has %d bytes, not %d", len(o.NewMasterKey), token.MasterKeySize)
	}
	report, err := orderKeysThrough(ctx, c.Data, o)
	if !errors.Is(err, ErrNoServer) {
		return report, err
	}
	c.Development = IsDevelopment(c.Data)
	if c, err = c.withDefaults(); err != nil {
		return nil, err
	}
	if err := c.asServersUser(); err != nil { // even reading the embedded store makes files beside it
		return nil, err
	}
	if err := c.haveStore(ctx); err != nil {
		return nil, err
	}
	if o.Verb == ListKeys {
		return listKeys(ctx, c)
	}
	s, err := New(ctx, c)
	if err != nil {
		return nil, err
	}
	report, err = s.Keys(ctx, o)
	return report, errors.Join(err, s.Close())
}

// listKeys looks at the keys of a store that no server on the data folder holds.
func listKeys(ctx context.Context, c Config) (report *KeyReport, err error) {
	backend, err := c.openToRead(ctx)
	if err != nil {
		return nil, err
	}
	s := &Server{config: c}
	s.embedded, _ = backend.(*sqlite.Backend)
	err = s.openReadOnly(ctx, backend)
	if s.db != nil {
		defer func() { err = errors.Join(err, s.db.Close()) }()
	}
	if errors.Is(err, store.ErrOutdated) {
		err = fmt.Errorf("%w: the next start of this program, or `symbolon migrate`, brings it up to date", err)
	}
	if err != nil {
		return nil, err
	}
	return s.Keys(ctx, KeyOrder{Verb: ListKeys})
}

// orderKeysThrough sends an order to the server that runs on the folder. The error wraps ErrNoServer when none does.
func orderKeysThrough(ctx context.Context, folder string, o KeyOrder) (*KeyReport, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	response, err := askServer(ctx, folder, "/keys", bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer keysAnswer
	if err := json.NewDecoder(io.LimitReader(response.Body, maxControlBody)).Decode(&answer); err != nil {
		return nil, fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return answer.KeyReport, errors.New(answer.Error)
	}
	return answer.KeyReport, nil
}
