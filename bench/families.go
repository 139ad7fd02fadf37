package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver that fills the store's file
)

// crowd is what a store full of other people's families costs a refresh: the same passes on two servers in turn, one with as many
// families as users, one with many more, and then with expired rows to sweep meanwhile.
type crowd struct {
	families, expired int
	few, many, swept  []figures
	start             time.Duration // of the server with many, from exec to the first token
	resident          int64         // bytes, of the server with many, at most
	left              int           // rows that were still to sweep after the last pass, so that it had all the passes to itself
}

// expiredRows are swept while refreshes go on.
const expiredRows = 1_000_000

// measureCrowd fills a copy of a stopped world's store and drives both. The world is running again when it returns.
func (l *lab) measureCrowd(ctx context.Context, w *world) (*crowd, error) {
	if l.families == 0 {
		return nil, nil
	}
	c := &crowd{families: l.families, expired: min(expiredRows, l.families)}
	many, err := w.copy()
	if err != nil {
		return nil, err
	}
	defer many.close()
	begun := time.Now()
	if err := many.stopped(func(file string) error { return fillFamilies(ctx, file, c.families, true) }); err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "%d families put into the store in %v\n", c.families, time.Since(begun).Round(time.Second))
	if c.start, err = many.startAgain(ctx); err != nil {
		return nil, err
	}
	for range l.rounds {
		if c.few, err = w.refreshPass(ctx, c.few); err != nil {
			return nil, err
		}
		if c.many, err = many.refreshPass(ctx, c.many); err != nil {
			return nil, err
		}
	}
	if err := many.stopped(func(file string) error { return fillFamilies(ctx, file, c.expired, false) }); err != nil {
		return nil, err
	}
	if _, err := many.startAgain(ctx); err != nil {
		return nil, err
	}
	time.Sleep(2 * time.Second) // the sweeper wakes every second
	for range l.rounds {
		if c.swept, err = many.refreshPass(ctx, c.swept); err != nil {
			return nil, err
		}
	}
	c.resident = many.highest
	return c, many.stopped(func(file string) (err error) {
		c.left, err = countExpired(ctx, file)
		return err
	})
}

// refreshPass takes every user's family one generation on.
func (w *world) refreshPass(ctx context.Context, passes []figures) ([]figures, error) {
	requests, err := w.refreshes(plain, &w.refresh)(ctx, w.requests)
	if err != nil {
		return nil, err
	}
	p, err := w.drive(ctx, 64, requests, true)
	if err != nil {
		return nil, err
	}
	if p.failures > 0 {
		return nil, errors.New(p.firstFailure)
	}
	w.highest = max(w.highest, p.resident)
	return append(passes, figuresOf(p, p)), keepRefresh(&w.refresh)(p.bodies)
}

// copy is a second server on a copy of the world's folder.
func (w *world) copy() (*world, error) {
	other := *w
	other.refresh = append([]string(nil), w.refresh...)
	other.config.Folder = w.config.Folder + "-crowd"
	other.config.Profile = ""
	other.highest = 0
	w.symbolon.close()
	err := os.CopyFS(other.config.Folder, os.DirFS(w.config.Folder))
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(filepath.Join(other.config.Folder, "data", "master.key"), 0o600); err != nil { // a copy is everybody's to read
		return nil, err
	}
	if w.symbolon, err = startChild(w.config); err != nil {
		return nil, err
	}
	other.symbolon, err = startChild(other.config)
	return &other, err
}

// stopped does something to the store's file while nobody serves it; startAgain must follow.
func (w *world) stopped(do func(file string) error) error {
	w.symbolon.close()
	return do(filepath.Join(w.config.Folder, "data", "symbolon.db"))
}

// startAgain says how long the server took from exec to its first token.
func (w *world) startAgain(ctx context.Context) (time.Duration, error) {
	begun := time.Now()
	server, err := startChild(w.config)
	if err != nil {
		return 0, err
	}
	w.symbolon = server
	requests, err := w.assertions(1, "ES256", plain, email)
	if err != nil {
		return 0, err
	}
	p, err := drive(ctx, server, 1, requests, false)
	if err == nil && p.failures > 0 {
		err = errors.New(p.firstFailure)
	}
	return time.Since(begun), err
}

const familyTable = "oidc_refresh_families"

// fillFamilies puts n copies of the families there are into the table, live ones or ones that have expired. Their ids are spread evenly
// and come in order, so that it takes minutes and not hours.
func fillFamilies(ctx context.Context, file string, n int, live bool) error {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=synchronous(off)&_pragma=temp_store(memory)&_pragma=cache_size(-500000)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	names, values, err := familyColumns(ctx, db, live)
	if err != nil {
		return err
	}
	for _, statement := range []string{
		"CREATE TEMP TABLE sample AS SELECT * FROM " + familyTable + " LIMIT 1000",
		fmt.Sprintf(`INSERT INTO %[1]s (%[2]s) SELECT %[3]s FROM (
			WITH RECURSIVE count(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM count WHERE i < %[4]d)
			SELECT printf('%%08x', i * %[5]d) || lower(hex(randomblob(9))) AS fresh, i FROM count
		) CROSS JOIN sample ON sample.rowid = 1 + i %% (SELECT count(*) FROM sample)`, familyTable, names, values, n, (1<<32-1)/n),
		"PRAGMA wal_checkpoint(truncate)",
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// familyColumns are the table's columns, and what a copy has in each.
func familyColumns(ctx context.Context, db *sql.DB, live bool) (names, values string, err error) {
	rows, err := db.QueryContext(ctx, "SELECT name FROM pragma_table_info('"+familyTable+"')")
	if err != nil {
		return "", "", err
	}
	defer rows.Close()
	var all, wanted []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return "", "", err
		}
		all = append(all, name)
		switch {
		case name == "family_id" || name == "session_id":
			name = "fresh"
		case name == "ends_at" && !live:
			name = fmt.Sprint(time.Now().Add(-time.Hour).UnixMicro())
		default:
			name = "sample." + name
		}
		wanted = append(wanted, name)
	}
	if len(all) == 0 {
		return "", "", errors.New("the store has no table " + familyTable)
	}
	return strings.Join(all, ", "), strings.Join(wanted, ", "), rows.Err()
}

func countExpired(ctx context.Context, file string) (n int, err error) {
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, "SELECT count(*) FROM "+familyTable+" WHERE ends_at < ?", time.Now().UnixMicro()).Scan(&n)
	return n, err
}
