package symbolon

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/store/postgres"
)

// What Config's zero value means by its folder and its address.
const (
	DefaultData   = ".symbolon"
	DefaultListen = "127.0.0.1:8080"
)

// Config is every setting. The zero value works: it is a production server of the folder ".symbolon" on 127.0.0.1:8080.
// The same names, in the `config` tags, are keys of the configuration file, flags (--refresh-grace) and environment variables
// (SYMBOLON_CONFIG_REFRESH_GRACE); a flag wins over the environment, and that over the file. Durations are written as Go does: 30s, 8h.
// In the fields zero means the default; written as a setting it is refused wherever it is out of range.
type Config struct {
	// Listen is the address to serve on. Default 127.0.0.1:8080; with port 0 the system chooses.
	Listen string `config:"listen"`
	// Data is the folder of the embedded store, its master key and the audit log. Default .symbolon in the current folder.
	Data string `config:"data"`
	// DatabaseURL names a PostgreSQL database in place of the embedded store, for any number of nodes:
	// postgres://user:password@host:5432/database?sslmode=verify-full. It holds a password: better in the file or the environment than
	// among the flags. Several hosts may be listed, of which the one that can be written to is used.
	DatabaseURL string `config:"database-url"`
	// Issuer is the `iss` of every token and the base of the published endpoints: an https origin, with a path if need be.
	// Default: the origin of the listener.
	Issuer string `config:"issuer"`
	// Region is the home region of the instance a new organization gets, and the one `symbolon env` prints. Default us-east-1.
	Region string `config:"region"`
	// Regions, if set, are the only regions accepted in signatures; a token request signed for another is answered
	// InvalidRequestRegionException. Default: any well-formed region.
	Regions []string `config:"regions"`
	// AccessTokenTTL is the life of access and ID tokens, 1m to 12h. Default 1h, as AWS's.
	AccessTokenTTL time.Duration `config:"access-token-ttl"`
	// CodeTTL is the life of an authorization code, 1s to 10m. Default 60s.
	CodeTTL time.Duration `config:"code-ttl"`
	// RefreshGrace is how long a superseded refresh token still gets its own successor, 0s to 300s; 0s means that any second use
	// is reuse and ends the family. Default 30s.
	RefreshGrace *time.Duration `config:"refresh-grace"`
	// RefreshTTL is the absolute life of a refresh token family, 1m to 2160h (90 days). Default 8h, AWS's default session.
	RefreshTTL time.Duration `config:"refresh-ttl"`
	// RefreshIdleTTL ends a family that has not been refreshed for so long, from 1m. Default: refresh-ttl.
	RefreshIdleTTL time.Duration `config:"refresh-idle-ttl"`
	// SignInTTL is the absolute life of a browser's sign-in session. Default 8h.
	SignInTTL time.Duration `config:"sign-in-ttl"`
	// SignInIdleTTL ends a sign-in session that has not been used for so long. Default 1h.
	SignInIdleTTL time.Duration `config:"sign-in-idle-ttl"`
	// AssertionMaxLifetime bounds how far in the future the exp of an assertion may be, up to 24h. Default 24h.
	AssertionMaxLifetime time.Duration `config:"assertion-max-lifetime"`
	// AllowedIssuerOrigins are exact origins, such as http://10.0.0.5:8080, from which trusted token issuers' keys may be fetched
	// although they are not https on a public address.
	AllowedIssuerOrigins []string `config:"allowed-issuer-origins"`
	// IdentityContextActions replaces the list of actions that identity-enhanced role sessions may use at most.
	// Default: those of AWS's AWSIAMIdentityCenterAllowListForIdentityContext.
	IdentityContextActions []string `config:"identity-context-actions"`
	// MasterKeyFile holds the 32-byte key, base64, that seals the keys in the store; `serve` refuses one that others than its owner can
	// read. Default: master.key in the data folder, made at the first start. Lose it and the store is lost.
	MasterKeyFile string `config:"master-key-file"`
	// MasterKeyEnv names the environment variable that holds the master key, in place of a file.
	MasterKeyEnv string `config:"master-key-env"`
	// MasterKeyCommand is a program and its arguments, run without a shell at the start; what it prints within 30 seconds is the master
	// key. For key management services: it may decrypt a file there. Arguments with commas in them can be written in the file only.
	MasterKeyCommand []string `config:"master-key-command"`
	// KeyRotation is the age at which signing, MAC and sealing keys are replaced, 24h to 8760h (a year). Default 2160h (90 days).
	KeyRotation time.Duration `config:"key-rotation"`
	// AuditLog is the file the audit events are appended to. Default: audit.jsonl in the data folder.
	AuditLog string `config:"audit-log"`
	// TLSCert and TLSKey are PEM files; with both the listener speaks TLS 1.2 and later. Changed files are taken up without a restart, once
	// they fit together.
	TLSCert string `config:"tls-cert"`
	TLSKey  string `config:"tls-key"`
	// BehindProxy says that a proxy terminates TLS, so that the listener may speak http on a non-loopback address. The proxy must set
	// X-Forwarded-For, whose last entry counts as the client's address, and must pass Host on as it came: signatures cover it.
	BehindProxy bool `config:"behind-proxy"`
	// AdminListen is the address of a private listener for metrics (/metrics), profiles (/debug/pprof/) and health: a loopback address or
	// unix:/absolute/path of a socket. Default: none.
	AdminListen string `config:"admin-listen"`
	// AdminAllowNetwork permits an admin-listen that is not loopback. It asks for no password: the network must guard it.
	AdminAllowNetwork bool `config:"admin-allow-network"`
	// LogFormat is that of the process's log, which goes to stderr: text or json. Default text.
	LogFormat string `config:"log-format"`
	// LogLevel is the least level that is logged: debug, info, warn or error. Default info.
	LogLevel string `config:"log-level"`
	// LogRequests adds a line for every request to the log, without its parameters. Default false: the audit log has them all.
	LogRequests bool `config:"log-requests"`
	// Limits says whether request rates are limited: on or off. Default on (in dev: off).
	Limits string `config:"limits"`
	// LimitCaller is how many requests per second an IAM principal may send to this node, up to two seconds' worth at once; as all limits
	// 1 to 1000000. Default 500.
	LimitCaller int `config:"limit-caller"`
	// LimitApplication is how many token, introspection and revocation requests per second an application may get on this node, from all
	// its callers, up to two seconds' worth at once. Default 1000.
	LimitApplication int `config:"limit-application"`
	// LimitAddress is how many requests per second an address (of IPv6 a /64) may send to this node, signed or not, up to two seconds' worth
	// at once. Default 1000.
	LimitAddress int `config:"limit-address"`
	// LimitGlobal is how many requests per second this node takes from all together, up to two seconds' worth at once. Default 10000.
	LimitGlobal int `config:"limit-global"`
	// LimitSignIn is how many forms per second, passwords above all, an address may send to this node, up to ten seconds' worth at once.
	// Default 5.
	LimitSignIn int `config:"limit-sign-in"`
	// DrainDelay is how long a server that was told to end goes on serving while /readyz already answers 503, so that load balancers
	// stop sending requests before it stops taking them; up to 5m. Default 5s (in dev: 0s).
	DrainDelay *time.Duration `config:"drain-delay"`
	// DrainTimeout is how long requests under way may then take to end before they are cut off, 1s to 5m. Default 20s.
	DrainTimeout time.Duration `config:"drain-timeout"`

	// Development relaxes what only a laptop should: issuers over http and on private addresses, no limits. It is not a setting:
	// `symbolon dev`, `symbolon demo` and symbolontest set it.
	Development bool `config:"-"`
	// Memory keeps the store in memory only; for tests.
	Memory bool `config:"-"`
	// Version is the program's, for metrics and logs.
	Version string `config:"-"`
	// Now is the clock; time.Now if nil. Signatures are always judged by the wall clock.
	Now func() time.Time `config:"-"`
	// Log receives the process's log; slog.Default if nil.
	Log *slog.Logger `config:"-"`
}

var regionPattern = regexp.MustCompile(`^([a-z]+-){2,3}\d$`)

// withDefaults fills in what is unset and checks the rest; every fault it finds is reported.
func (c Config) withDefaults() (Config, error) {
	setDefault(&c.Listen, DefaultListen)
	setDefault(&c.Data, DefaultData)
	setDefault(&c.Region, "us-east-1")
	setDefault(&c.AccessTokenTTL, time.Hour)
	setDefault(&c.CodeTTL, time.Minute)
	setDefault(&c.RefreshTTL, 8*time.Hour)
	setDefault(&c.RefreshIdleTTL, c.RefreshTTL)
	setDefault(&c.SignInTTL, 8*time.Hour)
	setDefault(&c.SignInIdleTTL, min(time.Hour, c.SignInTTL))
	setDefault(&c.AssertionMaxLifetime, 24*time.Hour)
	setDefault(&c.KeyRotation, 2160*time.Hour)
	setDefault(&c.DrainTimeout, 20*time.Second)
	if c.RefreshGrace == nil {
		grace := 30 * time.Second
		c.RefreshGrace = &grace
	}
	if c.DrainDelay == nil {
		delay := map[bool]time.Duration{true: 0, false: 5 * time.Second}[c.Development]
		c.DrainDelay = &delay
	}
	if c.Limits == "" {
		c.Limits = map[bool]string{true: "off", false: "on"}[c.Development]
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c, errors.Join(c.checkRanges(), c.checkNames(), c.masterKeySource().check(), c.checkExposure(), c.checkIssuer(), c.checkAdmin())
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c Config) checkRanges() error {
	type bound struct {
		name      string
		value     time.Duration
		low, high time.Duration
	}
	var faults []error
	for _, b := range []bound{
		{"access-token-ttl", c.AccessTokenTTL, time.Minute, 12 * time.Hour},
		{"code-ttl", c.CodeTTL, time.Second, 10 * time.Minute},
		{"refresh-grace", *c.RefreshGrace, 0, 300 * time.Second},
		{"refresh-ttl", c.RefreshTTL, time.Minute, 2160 * time.Hour},
		{"refresh-idle-ttl", c.RefreshIdleTTL, time.Minute, 2160 * time.Hour},
		{"sign-in-ttl", c.SignInTTL, time.Minute, 2160 * time.Hour},
		{"sign-in-idle-ttl", c.SignInIdleTTL, time.Minute, 2160 * time.Hour},
		{"key-rotation", c.KeyRotation, 24 * time.Hour, 8760 * time.Hour},
		{"assertion-max-lifetime", c.AssertionMaxLifetime, time.Second, 24 * time.Hour},
		{"drain-delay", *c.DrainDelay, 0, 5 * time.Minute},
		{"drain-timeout", c.DrainTimeout, time.Second, 5 * time.Minute},
	} {
		if b.value < b.low || b.value > b.high {
			faults = append(faults, fmt.Errorf("%s is %v, outside %v to %v", b.name, b.value, b.low, b.high))
		}
	}
	for name, value := range map[string]int{
		"limit-caller": c.LimitCaller, "limit-application": c.LimitApplication, "limit-address": c.LimitAddress,
		"limit-global": c.LimitGlobal, "limit-sign-in": c.LimitSignIn,
	} {
		if value < 0 || value > maxLimit {
			faults = append(faults, fmt.Errorf("%s is %d, outside 1 to %d requests per second", name, value, maxLimit))
		}
	}
	return errors.Join(faults...)
}

func (c Config) checkNames() error {
	var faults []error
	for _, r := range append([]string{c.Region}, c.Regions...) {
		if !regionPattern.MatchString(r) {
			faults = append(faults, fmt.Errorf("%q is not a region name", r))
		}
	}
	for _, o := range c.AllowedIssuerOrigins {
		u, err := url.Parse(o)
		if err != nil || u.Scheme+"://"+u.Host != o || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			faults = append(faults, fmt.Errorf("allowed-issuer-origins: %q is not an origin such as http://10.0.0.5:8080", o))
		} else if err := checkURLPort(u); err != nil {
			faults = append(faults, fmt.Errorf("allowed-issuer-origins: %q: %w", o, err))
		}
	}
	if len(c.IdentityContextActions) > 0 {
		if err := iam.CheckIdentityContextActions(c.IdentityContextActions); err != nil {
			faults = append(faults, fmt.Errorf("identity-context-actions: %w", err))
		}
	}
	if c.Limits != "on" && c.Limits != "off" {
		faults = append(faults, fmt.Errorf("limits is %q, neither on nor off", c.Limits))
	}
	if _, err := c.NewLog(io.Discard); err != nil {
		faults = append(faults, err)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		faults = append(faults, errors.New("tls-cert and tls-key go together"))
	}
	if c.DatabaseURL != "" {
		if err := postgres.CheckURL(c.DatabaseURL); err != nil {
			faults = append(faults, fmt.Errorf("database-url: %w", err))
		}
	}
	return errors.Join(faults...)
}

// CheckListen says what is wrong with an address for the setting listen: host, colon and a port's number, of which 0 is any.
func CheckListen(address string) error {
	_, _, err := splitListen("listen", address)
	return err
}

// splitListen takes apart the address to listen on that the setting has.
func splitListen(setting, address string) (host, port string, err error) {
	host, port, err = net.SplitHostPort(address)
	if err == nil {
		err = checkPort(port, 0)
	}
	if err != nil {
		return "", "", fmt.Errorf("%s is %q: %w", setting, address, err)
	}
	return host, port, nil
}

// checkExposure refuses what would carry tokens in the clear over a network.
func (c Config) checkExposure() error {
	host, _, err := splitListen("listen", c.Listen)
	if err != nil {
		return err
	}
	loopback := host == "localhost" || net.ParseIP(host).IsLoopback()
	if !loopback && c.Development {
		return fmt.Errorf("listen is %s, not a loopback address: development servers stay there", c.Listen)
	}
	if !loopback && c.TLSCert == "" && (!c.BehindProxy || c.Development) {
		return fmt.Errorf("listen is %s, not a loopback address: set tls-cert and tls-key, or behind-proxy where a proxy speaks TLS", c.Listen)
	}
	return nil
}

// checkIssuer refuses what cannot be the `iss` of a token and the base of published endpoints.
func (c Config) checkIssuer() error {
	if c.Issuer == "" {
		if c.BehindProxy {
			return errors.New("behind-proxy needs issuer: the public https address")
		}
		return nil
	}
	u, err := url.Parse(c.Issuer)
	if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || u.String() != c.Issuer || strings.HasSuffix(u.Path, "/") {
		return fmt.Errorf("issuer %q is not a URL without query, fragment and final slash", c.Issuer)
	}
	if err := checkURLPort(u); err != nil {
		return fmt.Errorf("issuer %q: %w", c.Issuer, err)
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && (net.ParseIP(u.Hostname()).IsLoopback() || u.Hostname() == "localhost")) {
		return fmt.Errorf("issuer %q must be https", c.Issuer)
	}
	return nil
}

// checkPort refuses what is not a port's number from least on. Names of ports differ from machine to machine.
func checkPort(text string, least uint64) error {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n < least {
		return fmt.Errorf("%q is not a port from %d to 65535", text, least)
	}
	return nil
}

// checkURLPort refuses a URL with a port that nobody can be reached at.
func checkURLPort(u *url.URL) error {
	if u.Port() == "" && !strings.HasSuffix(u.Host, ":") {
		return nil
	}
	return checkPort(u.Port(), 1)
}
