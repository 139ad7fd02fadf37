package symbolon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/audit"
	"github.com/symbolon/symbolon/internal/store"
	"github.com/symbolon/symbolon/internal/store/sqlite"
	"github.com/symbolon/symbolon/internal/token"
	"github.com/symbolon/symbolon/internal/wire"
)

// RestoreOptions of Restore.
type RestoreOptions struct {
	// Replace allows a store in the data folder to be replaced. It is kept aside.
	Replace bool
	// CheckOnly does everything but giving the data folder the restored store: it shows that a backup is good.
	CheckOnly bool
}

// Restored is what Restore or MarkRestored did.
type Restored struct {
	// Backup is what was restored; zero after MarkRestored.
	Backup BackupManifest `json:"backup,omitzero"`
	// Time is when. Assertions issued before it are refused for a day; the epoch is what all tokens from before lack.
	Time  time.Time `json:"time"`
	Epoch uint32    `json:"epoch"`
	// Aside is the folder that the store before was moved to; empty if there was none.
	Aside string `json:"aside,omitempty"`
}

// Restore puts the backup in the file at path into c's data folder. It checks the file's sum, the database's structure, the schema, and
// that the master key opens its keys, and begins a new epoch: every access token, refresh token, code, identity context, role
// credential and sign-in session from before has ended, and assertions issued before are refused for a day. The data folder gets the
// store whole or not at all; a process that dies on the way leaves either what was there or a mark that keeps servers from starting.
//
// Nothing else in the store is newer than the backup: what was switched off since then is on again.
func Restore(ctx context.Context, c Config, path string, o RestoreOptions) (r Restored, err error) {
	c.Development = IsDevelopment(c.Data)
	if c, err = c.withDefaults(); err != nil {
		return r, err
	}
	if c.DatabaseURL != "" {
		return r, ErrNotEmbedded
	}
	if o.CheckOnly {
		folder, err := os.MkdirTemp(c.Data, "check-*.tmp")
		if err != nil {
			return r, err
		}
		defer os.RemoveAll(folder)
		return r, r.prepare(ctx, c, path, folder)
	}
	if err := errors.Join(c.asServersUser(), makeFolder(c.Data)); err != nil {
		return r, err
	}
	place, err := sqlite.Hold(c.storeFile())
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, place.Release()) }()
	there, err := place.Occupied()
	if err != nil {
		return r, err
	}
	if there && !o.Replace {
		return r, fmt.Errorf("%s holds a store already; with --replace it is kept aside", c.Data)
	}
	folder, err := scratchFolder(c.Data, "restore")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(folder)
	if err := r.prepare(ctx, c, path, folder); err != nil {
		return r, err
	}
	if there {
		r.Aside = filepath.Join(c.Data, "before-restore-"+r.Time.Format("20060102T150405.000Z"))
	}
	return r, r.place(ctx, c, place, folder)
}

// prepare makes the restored database in a folder of its own.
func (r *Restored) prepare(ctx context.Context, c Config, path, folder string) (err error) {
	scratch := c
	scratch.Data = folder
	if r.Backup, err = unpackBackup(path, scratch.storeFile(), c); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return r.renew(ctx, scratch, c)
}

// unpackBackup writes the database of a backup to the file at into and flushes it.
func unpackBackup(path, into string, c Config) (m BackupManifest, err error) {
	file, err := os.Open(path)
	if err != nil {
		return m, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return m, err
	}
	if err := roomFor(filepath.Dir(into), info.Size()); err != nil {
		return m, err
	}
	database, err := os.OpenFile(into, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return m, err
	}
	m, err = readBackup(file, info.Size(), database)
	if err := errors.Join(err, database.Sync(), database.Close()); err != nil {
		return m, err
	}
	return m, m.suits(c)
}

// suits says why a backup may not be restored as c wants it.
func (m BackupManifest) suits(c Config) error {
	switch {
	case m.Schema > store.SchemaVersion:
		return fmt.Errorf("its schema version is %d, and this program knows versions up to %d: use the newer program", m.Schema, store.SchemaVersion)
	case m.Development && !IsDevelopment(c.Data):
		return errors.New("it is of a development folder, whose credentials are no secrets: restore it into one")
	case !m.Development && IsDevelopment(c.Data):
		return errors.New("it is of a production store, and the data folder is one for development")
	case c.Now().Before(m.Time.Add(-token.ClockSkew)):
		return fmt.Errorf("the clock says %s, before the backup was made at %s: set it right first", c.Now().UTC().Format(time.RFC3339), m.Time.Format(time.RFC3339))
	}
	return nil
}

// renew opens the database in the scratch folder as a server would, checks it, and begins the new epoch in it.
func (r *Restored) renew(ctx context.Context, scratch, c Config) (err error) {
	master, err := c.heldMasterKey(ctx)
	if err != nil {
		return err
	}
	if has := token.Fingerprint(master); !slices.Contains(r.Backup.MasterKeys, has) {
		return fmt.Errorf("the master key has the fingerprint %s, and the backup's keys are sealed under %s: give the one of that time", has, strings.Join(r.Backup.MasterKeys, " or "))
	}
	backend, err := sqlite.Open(scratch.storeFile())
	if err != nil {
		return err
	}
	if err := backend.(*sqlite.Backend).Check(ctx, true); err != nil {
		return errors.Join(err, backend.Close())
	}
	db, err := store.Open(ctx, backend, tables(), store.Options{Now: c.Now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	keys, err := token.OpenKeyring(ctx, db, token.KeyringOptions{MasterKey: master, Now: c.Now, Log: c.Log})
	if err != nil {
		return err
	}
	return r.raise(ctx, keys)
}

func (r *Restored) raise(ctx context.Context, keys *token.Keyring) error {
	if err := keys.RaiseEpoch(ctx); err != nil {
		return err
	}
	r.Epoch, r.Time = keys.Epoch()
	return nil
}

// place writes the event and gives the data folder the store from the scratch folder: no audit, no restore.
func (r *Restored) place(ctx context.Context, c Config, place *sqlite.Place, folder string) error {
	scratch := c
	scratch.Data = folder
	if _, err := os.Lstat(scratch.storeFile() + "-wal"); err == nil {
		return fmt.Errorf("%s-wal is left: the restored database was not closed well", scratch.storeFile())
	}
	log, err := audit.Open(c.auditLog())
	if err != nil {
		return err
	}
	if err = r.record(ctx, c, log, nil); err == nil {
		if err = place.Put(scratch.storeFile(), r.Aside); err != nil {
			err = errors.Join(err, r.record(ctx, c, log, err))
		}
	}
	return errors.Join(err, log.Close())
}

// record is the event of a restore, on the operator's own authority.
func (r *Restored) record(ctx context.Context, c Config, log *audit.Log, failure error) error {
	details := map[string]any{"epoch": r.Epoch, "assertionsRefusedBefore": r.Time.Format(time.RFC3339Nano)}
	if r.Backup.Format != 0 {
		details["backupTime"], details["instances"] = r.Backup.Time.Format(time.RFC3339), r.Backup.Instances
		details["masterKeyFingerprints"] = r.Backup.MasterKeys
	}
	e := &audit.Event{
		EventTime: c.Now().UTC(), EventSource: "symbolon", EventName: "RestoreStore", EventType: "AwsServiceEvent",
		EventCategory: "Management", AWSRegion: c.Region, RequestID: wire.NewRequestID(), SourceIPAddress: "localhost",
		UserIdentity: audit.UserIdentity{Type: "Operator"}, AdditionalEventData: details,
	}
	if failure != nil {
		e.ErrorCode, e.ErrorMessage = "Failure", failure.Error()
	}
	return log.Write(ctx, e)
}

// MarkRestored begins a new epoch in a store whose database was restored by other means: a database server's own, or a copy of the
// embedded store's file put back by hand. It has the effect of Restore on tokens and assertions. It goes through the server that runs on
// the data folder, if one does; the other nodes of a database follow within a second.
func MarkRestored(ctx context.Context, c Config) (r Restored, err error) {
	c.Development = IsDevelopment(c.Data)
	if c, err = c.withDefaults(); err != nil {
		return r, err
	}
	if r, err = markThrough(ctx, c.Data); !errors.Is(err, ErrNoServer) {
		return r, err
	}
	if err := c.haveStore(ctx); err != nil {
		return r, err
	}
	s, err := New(ctx, c)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.markRestored(ctx)
}

func (s *Server) markRestored(ctx context.Context) (r Restored, err error) {
	if err := r.raise(ctx, s.keys); err != nil {
		return r, err
	}
	return r, r.record(ctx, s.config, s.audit, nil)
}

func markThrough(ctx context.Context, folder string) (r Restored, err error) {
	response, err := askServer(ctx, folder, "/mark", nil)
	if err != nil {
		return r, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return r, controlError(response)
	}
	return r, json.NewDecoder(io.LimitReader(response.Body, maxControlBody)).Decode(&r)
}

func (s *Server) controlMark(w http.ResponseWriter, r *http.Request) {
	done, err := s.markRestored(r.Context())
	if err != nil {
		controlAnswer(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
		return
	}
	controlAnswer(w, http.StatusOK, done)
}

// String says what was done, for people.
func (r Restored) String() string {
	text := ""
	if r.Backup.Format != 0 {
		text = fmt.Sprintf("restored the backup of %s, instances %v\n", r.Backup.Time.Format(time.RFC3339), r.Backup.Instances)
	}
	if r.Aside != "" {
		text += "the store before is kept in " + r.Aside + "\n"
	}
	return text + fmt.Sprintf("all tokens, codes, sign-in sessions and role credentials from before %s have ended (epoch %d);\n"+
		"assertions issued before then are refused for a day. What was switched off after the backup is on again: see the audit log.\n",
		r.Time.Format(time.RFC3339), r.Epoch)
}
