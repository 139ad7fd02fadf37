package symbolon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/ssoadmin"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/wire"
)

// Report says what Apply changed, in order.
type Report struct {
	Changes []Change `json:"changes"`
	// AccessKeys are the keys Apply made, shown this once.
	AccessKeys []GeneratedKey `json:"accessKeys"`
}

// Change is one thing created, updated or removed.
type Change struct {
	Action string `json:"action"` // created, updated, removed
	Kind   string `json:"kind"`   // "application"
	Name   string `json:"name"`
}

// GeneratedKey is an access key that the file asked for without naming one.
type GeneratedKey struct {
	Account string `json:"account"`
	User    string `json:"user"`
	ID      string `json:"accessKeyId"`
	Secret  string `json:"secretAccessKey"`
}

// String is one line a change, for people.
func (r *Report) String() string {
	if len(r.Changes) == 0 {
		return "nothing to change\n"
	}
	var b strings.Builder
	for _, c := range r.Changes {
		fmt.Fprintf(&b, "%s %s %s\n", c.Action, c.Kind, c.Name)
	}
	for _, k := range r.AccessKeys {
		fmt.Fprintf(&b, "access key of %s in %s: %s %s (shown this once)\n", k.User, k.Account, k.ID, k.Secret)
	}
	return b.String()
}

// Apply brings the records into the state o declares, all of it or none, and says what it changed. Applied again it changes nothing.
// Errors name the place in the file. A report beside an error says what was changed although its event could not be written.
func (s *Server) Apply(ctx context.Context, o *Organization) (*Report, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	var a *applier
	remembered := &hashes{made: map[string]string{}, compared: map[[2]string]bool{}}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		a = &applier{s: s, tx: tx, o: o, hashes: remembered, report: &Report{Changes: []Change{}}}
		for _, part := range []func() error{
			a.applyInstance, a.applyAccounts, a.applyUsers, a.applyGroups, a.applyIAM, a.applyIssuers, a.applyApplications,
		} {
			if err := part(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(a.report.Changes) == 0 {
		return a.report, nil
	}
	if err := s.recordApply(ctx, a.report); err != nil {
		return a.report, fmt.Errorf("applied, but the audit event could not be written: %w", err)
	}
	return a.report, nil
}

// applier is one run of one Apply.
type applier struct {
	s        *Server
	tx       *store.Tx
	o        *Organization
	hashes   *hashes
	report   *Report
	instance ssoadmin.Instance
}

func (a *applier) changed(action, kind, name string) {
	a.report.Changes = append(a.report.Changes, Change{action, kind, name})
}

// settle writes wanted if it differs from what is there, and notes the change.
func settle[T any](a *applier, kind, name string, existing T, found bool, wanted T, put func(T) error) error {
	if found && same(existing, wanted) {
		return nil
	}
	if err := put(wanted); err != nil {
		return at(kind, name, err)
	}
	action := "created"
	if found {
		action = "updated"
	}
	a.changed(action, kind, name)
	return nil
}

// same compares records by content: an empty list is as good as none.
func same(x, y any) bool {
	a, errA := json.Marshal(x, json.Deterministic(true))
	b, errB := json.Marshal(y, json.Deterministic(true))
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// found turns ErrNotFound into false.
func found(err error) (bool, error) {
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// at names the place an error belongs to, with the text a client would see rather than the code.
func at(kind, name string, err error) error {
	var refusal *wire.Error
	if errors.As(err, &refusal) {
		return fmt.Errorf("%s %q: %s", kind, name, refusal.Message)
	}
	return fmt.Errorf("%s %q: %w", kind, name, err)
}

// documentText is a policy document as JSON text: given as YAML, or as text already; what is left out stays as it is.
func documentText(document any, now string) (string, error) {
	if document == nil {
		return now, nil
	}
	if text, ok := document.(string); ok {
		return text, nil
	}
	text, err := json.Marshal(spellNull(document), json.Deterministic(true))
	return string(text), err
}

// spellNull gives the condition operator Null its name back, which YAML reads as null where it stands unquoted as a key.
func spellNull(document any) any {
	switch d := document.(type) {
	case map[string]any:
		spelled := make(map[string]any, len(d))
		for key, value := range d {
			if key == "null" {
				key = "Null"
			}
			spelled[key] = spellNull(value)
		}
		return spelled
	case []any:
		for i := range d {
			d[i] = spellNull(d[i])
		}
	}
	return document
}

func (a *applier) applyAccounts() error {
	declared, owner := a.o.Accounts, a.instance.OwnerAccountID
	if !slices.ContainsFunc(declared, func(d AccountDeclaration) bool { return d.ID == owner }) {
		declared = append([]AccountDeclaration{{ID: owner}}, declared...)
	}
	for _, d := range declared {
		existing, err := iam.GetAccount(a.tx, d.ID)
		ok, err := found(err)
		if err != nil {
			return at("account", d.ID, err)
		}
		wanted := existing
		wanted.ID = d.ID
		if d.Name != "" {
			wanted.Name = d.Name
		}
		if wanted.Name == "" {
			wanted.Name = d.ID
		}
		if d.Email != "" {
			wanted.Email = d.Email
		}
		if err := settle(a, "account", d.ID, existing, ok, wanted, func(x iam.Account) error { return iam.PutAccount(a.tx, x) }); err != nil {
			return err
		}
	}
	return nil
}

// sameDocument compares two policy documents by content, not by spelling.
func sameDocument(x, y string) bool {
	a, b := jsontext.Value(x), jsontext.Value(y)
	return a.Canonicalize() == nil && b.Canonicalize() == nil && bytes.Equal(a, b)
}
