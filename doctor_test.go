package symbolon

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// examined are the findings about a folder.
func examined(t testing.TB, c Config, only ...string) *Diagnosis {
	t.Helper()
	d, err := Doctor(t.Context(), c, nil, only)
	fatal(t, err)
	return d
}

// has wants a finding of that check and status with the text in it.
func (d *Diagnosis) has(t testing.TB, check string, status Status, text string) {
	t.Helper()
	for _, f := range d.Findings {
		if f.Check == check && f.Status == status && strings.Contains(f.Detail, text) {
			if (f.Do == "") != (status == StatusOK) {
				t.Errorf("%+v: what is to be done?", f)
			}
			return
		}
	}
	t.Errorf("no %s of %s with %q in\n%s", status, check, text, d)
}

// healthy is a production folder in which a server has run.
func healthy(t testing.TB) Config {
	t.Helper()
	c := Config{Data: filepath.Join(t.TempDir(), "data"), Issuer: "https://sso.example.com", BehindProxy: true}
	s, err := New(t.Context(), c)
	fatal(t, err)
	o, err := ParseOrganization("test", []byte(`instance: { name: example, account: "111122223333" }`))
	fatal(t, err)
	_, err = s.Apply(t.Context(), o)
	fatal(t, err)
	fatal(t, s.Close())
	return c
}

func TestDoctorFindsNothing(t *testing.T) {
	c := healthy(t)
	before := folderNames(t, c.Data)
	d := examined(t, c)
	if d.Faults != 0 || d.Warnings != 0 {
		t.Errorf("of a healthy folder:\n%s", d)
	}
	for check, text := range map[string]string{
		"config": "sound", "files": "its owner's alone", "audit": "the chain holds", "server": "no server runs", "store": "structure is whole", "keys": "all open under",
	} {
		d.has(t, check, StatusOK, text)
	}
	for _, name := range folderNames(t, c.Data) {
		if !strings.HasPrefix(name, "symbolon.db-") && !contains(before, name) {
			t.Errorf("it made %s", name)
		}
	}
	d = examined(t, Config{Data: filepath.Join(t.TempDir(), "none"), Issuer: "https://sso.example.com", BehindProxy: true})
	if d.Faults != 0 {
		t.Errorf("of a folder that is not there yet:\n%s", d)
	}
	d.has(t, "files", StatusWarning, "not there yet")
	d.has(t, "store", StatusWarning, "there is no store yet")
	if only := examined(t, c, "config", "tls"); len(only.Findings) != 1 {
		t.Errorf("only the settings:\n%s", only)
	}
	if _, err := Doctor(t.Context(), c, nil, []string{"heart"}); err == nil || !strings.Contains(err.Error(), "config, files") {
		t.Errorf("an unknown check: %v", err)
	}
}

// TestDoctorRunsNothingForTheSettings: a configuration is checked before it is deployed, on a machine that need not have, nor be allowed to
// get, the master key.
func TestDoctorRunsNothingForTheSettings(t *testing.T) {
	c := healthy(t)
	ran := filepath.Join(t.TempDir(), "ran")
	c.MasterKeyCommand = []string{"touch", ran}
	examined(t, c, "config", "tls")
	if _, err := os.Stat(ran); err == nil {
		t.Error("the command that gives the master key was run")
	}
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// TestDoctorFindsFaults: one illness after the other.
func TestDoctorFindsFaults(t *testing.T) {
	for name, c := range map[string]struct {
		strike func(t *testing.T, c *Config)
		check  string
		status Status
		text   string
	}{
		"unsafe combination": {strike: func(_ *testing.T, c *Config) { c.Listen, c.BehindProxy = "0.0.0.0:80", false }, check: "config", status: StatusFault, text: "not a loopback address"},
		"two faults":         {strike: func(_ *testing.T, c *Config) { c.Region, c.CodeTTL = "nowhere", time.Hour }, check: "config", status: StatusFault, text: "code-ttl"},
		"limits off":         {strike: func(_ *testing.T, c *Config) { c.Limits = "off" }, check: "config", status: StatusWarning, text: "limits are off"},
		"no issuer":          {strike: func(_ *testing.T, c *Config) { c.Issuer, c.BehindProxy = "", false }, check: "config", status: StatusWarning, text: "issuer is not set"},
		"http issuer keys":   {strike: func(_ *testing.T, c *Config) { c.AllowedIssuerOrigins = []string{"http://10.0.0.5"} }, check: "config", status: StatusWarning, text: "come unprotected"},
		"seen folder":        {strike: func(t *testing.T, c *Config) { fatal(t, os.Chmod(c.Data, 0o755)) }, check: "files", status: StatusWarning, text: "mode 0755"},
		"writable folder":    {strike: func(t *testing.T, c *Config) { fatal(t, os.Chmod(c.Data, 0o770)) }, check: "files", status: StatusFault, text: "mode 0770"},
		"open store":         {strike: func(t *testing.T, c *Config) { fatal(t, os.Chmod(c.storeFile(), 0o644)) }, check: "files", status: StatusFault, text: "symbolon.db has mode 0644"},
		"open audit log":     {strike: func(t *testing.T, c *Config) { fatal(t, os.Chmod(c.auditLog(), 0o640)) }, check: "files", status: StatusFault, text: "audit.jsonl has mode 0640"},
		"open master key":    {strike: func(t *testing.T, c *Config) { fatal(t, os.Chmod(c.masterKeyFile(), 0o644)) }, check: "files", status: StatusFault, text: "master key"},
		"another's file": {strike: func(t *testing.T, c *Config) {
			if err := os.Chown(c.storeFile(), 4242, -1); err != nil {
				t.Skip("only root may give a file away")
			}
		}, check: "files", status: StatusFault, text: "belongs to the user 4242"},
		"no master key":                   {strike: func(t *testing.T, c *Config) { fatal(t, os.Remove(c.masterKeyFile())) }, check: "files", status: StatusFault, text: "master.key"},
		"no master key, told of the keys": {strike: func(t *testing.T, c *Config) { fatal(t, os.Remove(c.masterKeyFile())) }, check: "keys", status: StatusWarning, text: "cannot be examined"},
		"no master key for a new folder": {strike: func(t *testing.T, c *Config) {
			c.Data, c.MasterKeyFile = filepath.Join(t.TempDir(), "none"), filepath.Join(c.Data, "none")
		}, check: "files", status: StatusFault, text: "master key"},
		"another master key": {strike: func(t *testing.T, c *Config) {
			other := healthy(t)
			fatal(t, os.Rename(other.masterKeyFile(), c.masterKeyFile()))
		}, check: "keys", status: StatusFault, text: "does not open the keys"},
		"data is a file": {strike: func(t *testing.T, c *Config) { c.Data = c.storeFile() }, check: "files", status: StatusFault, text: "is no folder"},
		"damaged store": {strike: func(t *testing.T, c *Config) {
			f, err := os.OpenFile(c.storeFile(), os.O_RDWR, 0)
			fatal(t, err)
			_, err = f.WriteAt(bytes.Repeat([]byte{7}, 8192), 16384)
			fatal(t, errors.Join(err, f.Close()))
		}, check: "store", status: StatusFault, text: "damaged"},
		"no database": {strike: func(t *testing.T, c *Config) {
			fatal(t, os.WriteFile(c.storeFile(), []byte(strings.Repeat("x", 4096)), 0o600))
		}, check: "store", status: StatusFault, text: "not a database"},
		"interrupted restore": {strike: func(t *testing.T, c *Config) {
			fatal(t, os.WriteFile(c.storeFile()+".restoring", nil, 0o600))
		}, check: "store", status: StatusFault, text: "interrupted"},
		"tampered log": {strike: func(t *testing.T, c *Config) {
			text, err := os.ReadFile(c.auditLog())
			fatal(t, err)
			fatal(t, os.WriteFile(c.auditLog(), bytes.Replace(text, []byte("created instance"), []byte("created nothing!"), 1), 0o600))
		}, check: "audit", status: StatusFault, text: "line 1 (event "},
		"event of the future":   {strike: func(t *testing.T, c *Config) { c.Now = func() time.Time { return time.Now().Add(-time.Hour) } }, check: "clock", status: StatusFault, text: "the clock says"},
		"no certificate":        {strike: func(_ *testing.T, c *Config) { c.TLSCert, c.TLSKey = "/nowhere/cert", "/nowhere/key" }, check: "tls", status: StatusFault, text: "tls-cert"},
		"expired certificate":   {strike: func(t *testing.T, c *Config) { newPair(t, c, "sso.example.com", -time.Hour) }, check: "tls", status: StatusFault, text: "expired at"},
		"expiring certificate":  {strike: func(t *testing.T, c *Config) { newPair(t, c, "sso.example.com", 100*time.Hour) }, check: "tls", status: StatusWarning, text: "expires in 100h"},
		"another's certificate": {strike: func(t *testing.T, c *Config) { newPair(t, c, "www.example.com", 10000*time.Hour) }, check: "tls", status: StatusFault, text: "sso.example.com"},
		"open TLS key": {strike: func(t *testing.T, c *Config) {
			newPair(t, c, "sso.example.com", 10000*time.Hour)
			fatal(t, os.Chmod(c.TLSKey, 0o644))
		}, check: "tls", status: StatusFault, text: "everybody can read"},
		"in use": {strike: func(t *testing.T, c *Config) {
			s, err := New(t.Context(), *c)
			fatal(t, err)
			t.Cleanup(func() { _ = s.Close() })
		}, check: "store", status: StatusFault, text: "cannot be asked"},
	} {
		t.Run(name, func(t *testing.T) {
			config := healthy(t)
			c.strike(t, &config)
			d := examined(t, config)
			d.has(t, c.check, c.status, c.text)
			if c.status == StatusFault && d.Faults == 0 || c.status == StatusWarning && d.Warnings == 0 {
				t.Errorf("it does not count:\n%s", d)
			}
		})
	}
}

// newPair makes a certificate for a host that ends so much later.
func newPair(t testing.TB, c *Config, host string, left time.Duration) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fatal(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-1000 * time.Hour), NotAfter: time.Now().Add(left),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	fatal(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	fatal(t, err)
	c.TLSCert, c.TLSKey = filepath.Join(c.Data, "cert.pem"), filepath.Join(c.Data, "key.pem")
	fatal(t, os.WriteFile(c.TLSCert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	fatal(t, os.WriteFile(c.TLSKey, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}

// TestDoctorThroughTheServer: beside a running server the store, its issuers and the open audit log are examined by it.
func TestDoctorThroughTheServer(t *testing.T) {
	d, i := openDoorIn(t, t.TempDir(), onDisk), newIDP(t)
	d.declare(t, i)
	stop, err := d.StartControl(d.folder)
	fatal(t, err)
	defer stop() //nolint:errcheck // the test is over
	c := d.settings(d.folder)
	found := examined(t, c)
	found.has(t, "server", StatusOK, "a server runs")
	found.has(t, "store", StatusOK, "structure is whole")
	found.has(t, "issuers", StatusOK, "idp ("+i.URL+") publishes 1 key")
	found.has(t, "issuers", StatusWarning, "our own issuer does not answer") // its name leads nowhere here
	if found.Faults != 0 {
		t.Errorf("faults:\n%s", found)
	}
	i.Close()
	fatal(t, os.Truncate(filepath.Join(d.folder, "audit.jsonl"), 0))
	fatal(t, d.keys.RaiseEpoch(t.Context()))
	found = examined(t, c)
	found.has(t, "issuers", StatusFault, "connection refused")
	found.has(t, "audit", StatusFault, "its end was cut off")
	found.has(t, "keys", StatusOK, "the store was restored at")
	examined(t, c, "audit").has(t, "audit", StatusFault, "its end was cut off")
	fatal(t, os.Remove(filepath.Join(d.folder, "audit.jsonl")))
	examined(t, c, "audit").has(t, "audit", StatusFault, "lost its name")
}

// TestDamagedAuditLogShows: that the running server's log was cut off or taken away is a figure of its own; the server goes on serving.
func TestDamagedAuditLogShows(t *testing.T) {
	d := openDoor(t, func(c *Config) { c.Memory, c.AdminListen = false, "127.0.0.1:0" })
	address, path := startAdmin(t, d.Server), filepath.Join(d.folder, "audit.jsonl")
	damaged := func() float64 { return scrape(t, address)["symbolon_audit_damaged"] }
	if v, ok := scrape(t, address)["symbolon_audit_damaged"]; !ok || v != 0 {
		t.Errorf("of a whole log: %v, %v", v, ok)
	}
	fatal(t, os.Truncate(path, 5))
	if damaged() != 1 {
		t.Error("cut off, and nothing shows")
	}
	fatal(t, os.Rename(path, path+"-1"))
	fatal(t, d.Reload())
	if damaged() != 0 {
		t.Error("it shows after a new log was begun")
	}
	fatal(t, os.Remove(path))
	if damaged() != 1 {
		t.Error("deleted, and nothing shows")
	}
	if faults := d.health.faults(); len(faults) != 0 {
		t.Errorf("not ready: %v", faults)
	}
}
