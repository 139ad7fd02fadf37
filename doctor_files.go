package symbolon

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/audit"
)

// What doctor thinks of the space that is left, and of the time a certificate has left.
const (
	spaceFault   = 64 << 20
	spaceWarning = 1 << 30
	certWarning  = 14 * 24 * time.Hour
	clockTells   = 5 * time.Second // a difference of clocks that is none of rounding and distance
)

const seeConfig = "see docs/config.md"

// config examines the settings, and completes them.
func (e *examination) config(c Config, faults error) Config {
	complete, err := c.withDefaults()
	for _, fault := range each(errors.Join(faults, err)) {
		e.fault("config", seeConfig, "%v", fault)
	}
	if faults == nil && err == nil {
		e.ok("config", "the settings are sound")
	}
	if complete.Development {
		e.ok("config", "%s is a development folder: limits are off, and issuers may use http and private addresses", complete.Data)
		return complete
	}
	if complete.Limits == "off" {
		e.warn("config", "set limits: on, unless a proxy limits for it", "limits are off: one client can take all the server has")
	}
	if complete.Issuer == "" {
		e.warn("config", "set issuer to the public https address", "issuer is not set: tokens name %s, which nobody else can reach", complete.origin(complete.Listen))
	}
	for _, o := range complete.AllowedIssuerOrigins {
		if strings.HasPrefix(o, "http:") {
			e.warn("config", "use https, or be sure of the network between", "allowed-issuer-origins has %s: an issuer's keys come unprotected", o)
		}
	}
	if complete.AdminAllowNetwork && complete.AdminListen != "" {
		e.warn("config", "see that the network keeps everybody else away from it", "admin-listen is %s and asks for no password", complete.AdminListen)
	}
	return complete
}

// each takes joined errors apart.
func each(err error) (list []error) {
	joined, ok := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
		return nil
	case !ok:
		return []error{err}
	}
	for _, part := range joined.Unwrap() {
		list = append(list, each(part)...)
	}
	return list
}

// files examines what the settings name: there, ours alone, with room.
func (e *examination) files(ctx context.Context, c Config) {
	if !e.wants("files") {
		return // above all, the master key is not fetched for nothing
	}
	info, err := os.Stat(c.Data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.warn("files", "nothing, if the server is to start here for the first time", "the data folder %s is not there yet", c.Data)
		e.masterKey(ctx, c)
		return
	case err != nil:
		e.fault("files", "let this user read it", "%v", err)
		return
	case !info.IsDir():
		e.fault("files", "set data to a folder", "%s is no folder", c.Data)
		return
	}
	e.folder(c.Data, info)
	e.writable(c.Data)
	e.masterKey(ctx, c)
	for _, name := range []string{"symbolon.db", "symbolon.db-wal", "symbolon.db-shm", "symbolon.db.lock", controlName, developmentFile} {
		e.privateFile(filepath.Join(c.Data, name), owner(info))
	}
	e.privateFile(c.auditLog(), owner(info))
	e.space(c.Data)
	if folder := filepath.Dir(c.auditLog()); folder != filepath.Clean(c.Data) {
		e.writable(folder)
		e.space(folder)
	}
}

// masterKey reads it, without making one.
func (e *examination) masterKey(ctx context.Context, c Config) {
	key, err := c.heldMasterKey(ctx)
	clear(key)
	if err == nil {
		return
	}
	_, missing := os.Stat(c.storeFile())
	if len(c.masterKeySource().set()) == 0 && c.DatabaseURL == "" && errors.Is(err, fs.ErrNotExist) && errors.Is(missing, fs.ErrNotExist) {
		return // the first start makes both
	}
	e.fault("files", "put the master key there, for the server's user alone: without it the store opens for nobody", "%v", err)
}

// privateFile examines a file that only the owner of the data folder, which the server runs as, should get at.
func (e *examination) privateFile(path string, server int) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		e.fault("files", "let this user read it", "%v", err)
	case info.Mode().Perm()&0o077 != 0:
		e.fault("files", "chmod 600 "+path, "%s has mode %04o: others can get at it", path, info.Mode().Perm())
	case owner(info) != server:
		e.fault("files", fmt.Sprintf("chown %d %s", server, path), "%s belongs to the user %d, and the data folder to %d: was a command run as another user?", path, owner(info), server)
	default:
		e.ok("files", "%s is its owner's alone", path)
	}
}

func (e *examination) folder(path string, info fs.FileInfo) {
	switch mode := info.Mode().Perm(); {
	case mode&0o022 != 0:
		e.fault("files", "chmod 700 "+path, "%s has mode %04o: others can replace what is in it", path, mode)
	case mode&0o055 != 0:
		e.warn("files", "chmod 700 "+path, "%s has mode %04o: others can see what is in it", path, mode)
	default:
		e.ok("files", "%s is its owner's alone", path)
	}
}

func (e *examination) writable(folder string) {
	if err := mayWrite(folder); err != nil {
		e.fault("files", "let the server's user write there, and mount the file system for writing", "%s cannot be written: %v", folder, err)
	}
}

// space examines the file system of a folder.
func (e *examination) space(folder string) {
	free, total, err := freeSpace(folder)
	const do = "make room: a full disk refuses every request until there is some"
	switch {
	case errors.Is(err, errors.ErrUnsupported):
	case err != nil:
		e.fault("files", do, "%s: %v", folder, err)
	case free < spaceFault:
		e.fault("files", do, "%s has %d MiB free", folder, free>>20)
	case free < spaceWarning:
		e.warn("files", do, "%s has %d MiB free", folder, free>>20)
	default:
		e.ok("files", "%s has %.1f GiB of %.1f free", folder, float64(free)/(1<<30), float64(total)/(1<<30))
	}
}

// tls examines the certificate as clients will.
func (e *examination) tls(c Config) {
	if c.TLSCert == "" || c.TLSKey == "" || !e.wants("tls") {
		return
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		e.fault("tls", "put a certificate and its key there, in PEM", "tls-cert, tls-key: %v", err)
		return
	}
	if info, err := os.Stat(c.TLSKey); err == nil && info.Mode().Perm()&0o007 != 0 {
		e.fault("tls", "chmod 600 "+c.TLSKey, "%s has mode %04o: everybody can read the key", c.TLSKey, info.Mode().Perm())
	}
	now := time.Now() // certificates are judged by the wall clock
	left := pair.Leaf.NotAfter.Sub(now).Round(time.Hour)
	switch {
	case now.Before(pair.Leaf.NotBefore):
		e.fault("tls", "wait, or set the clock right", "the certificate is not valid before %s", pair.Leaf.NotBefore.Format(time.RFC3339))
	case left <= 0:
		e.fault("tls", "renew it; the server takes changed files up by itself", "the certificate expired at %s", pair.Leaf.NotAfter.Format(time.RFC3339))
	case left < certWarning:
		e.warn("tls", "renew it; the server takes changed files up by itself", "the certificate expires in %v", left)
	default:
		e.ok("tls", "the certificate is good until %s", pair.Leaf.NotAfter.Format(time.RFC3339))
	}
	e.names(c, pair.Leaf)
}

// names sees that the certificate is for the host that clients connect to.
func (e *examination) names(c Config, leaf *x509.Certificate) {
	host, _, err := net.SplitHostPort(c.Listen)
	if u, errURL := url.Parse(c.Issuer); c.Issuer != "" && errURL == nil {
		host, err = u.Hostname(), nil
	}
	if err != nil || host == "" || net.ParseIP(host) != nil && net.ParseIP(host).IsUnspecified() {
		return
	}
	if err := leaf.VerifyHostname(host); err != nil {
		e.fault("tls", "get a certificate for "+host, "%v", err)
	}
}

// audit examines the audit log, rotated files included, and its chain.
func (e *examination) audit(ctx context.Context, c Config) {
	if !e.wants("audit") {
		return
	}
	path := c.auditLog()
	found, err := audit.Inspect(ctx, path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && len(found.Files) == 0:
		e.ok("audit", "there is no audit log yet: %s", path)
		return
	case errors.Is(err, fs.ErrNotExist):
		e.warn("audit", "if rotation has just renamed it, send SIGHUP: until then, or the next start, events go into the renamed file; else find out who took it away", "%s is not there, and older files are", path)
	case err != nil:
		e.fault("audit", "see that the files are there and whole, and that this user may read them", "%v", err)
		return
	}
	for _, b := range found.Breaks {
		e.fault("audit", "keep all files as they are, find out who could write them, and compare with copies kept elsewhere", "the chain is broken: %s", b)
	}
	for _, b := range found.Starts {
		e.warn("audit", "see that the older files are kept somewhere; rotate by renaming and SIGHUP", "%s", b)
	}
	lines := 0
	for _, f := range found.Files {
		lines += f.Lines
		if f.Unfinished {
			e.warn("audit", "nothing: it is being written now, or the next start sets it aside", "the last line of %s has no end", f.Path)
		}
		if f.Last.Sub(c.Now()) > clockTells {
			e.fault("clock", "set the clock right (NTP): what expires is judged by it", "the clock says %s, and the audit log has an event of %s",
				c.Now().UTC().Format(time.RFC3339), f.Last.UTC().Format(time.RFC3339))
		}
	}
	if len(found.Breaks) == 0 {
		e.ok("audit", "%s in %s: the chain holds", count(lines, "event"), count(len(found.Files), "file"))
	}
	if err := mayWrite(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		e.fault("audit", "let the server's user write it: without an audit event nothing is issued", "%s cannot be written: %v", path, err)
	}
}

// told is a duration for people.
func told(d time.Duration) string {
	switch {
	case d > 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d > 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return d.Round(time.Second).String()
}
