package token

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
)

// notPublic are the IPv4 ranges that are not someone on the public internet (IANA special-purpose registry), and the one
// public-looking address that is a cloud's host service (168.63.129.16, Azure). Metadata services lie in 169.254/16,
// 100.64/10, 192.0.0/24.
var notPublic = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
)

// notPublic6 are the ranges inside 2000::/3 that are not someone either, or that hide an IPv4 address (6to4, Teredo).
// Everything outside 2000::/3 is refused anyway: loopback, link-local, ULA, multicast, NAT64 and v4-mapped among it.
var (
	notPublic6  = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
	globalRange = netip.MustParsePrefix("2000::/3")
)

func prefixes(list ...string) []netip.Prefix {
	parsed := make([]netip.Prefix, len(list))
	for i, s := range list {
		parsed[i] = netip.MustParsePrefix(s)
	}
	return parsed
}

// isPublic says whether an address is one on the public internet.
func isPublic(a netip.Addr) bool {
	if a.Zone() != "" || a.Is4In6() {
		return false
	}
	refused := notPublic
	if a.Is6() {
		if !globalRange.Contains(a) {
			return false
		}
		refused = notPublic6
	}
	for _, p := range refused {
		if p.Contains(a) {
			return false
		}
	}
	return a.IsValid()
}

var errNotPublic = errors.New("the address is not a public one")

// controlPublic is a net.Dialer's Control that refuses addresses that are not public. It runs after the name has been
// resolved, on the very address about to be dialled, so that no second answer of the DNS can slip another in.
func controlPublic(network, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", errNotPublic, address)
	}
	if (network != "tcp4" && network != "tcp6") || !isPublic(ap.Addr()) {
		return fmt.Errorf("%w: %s", errNotPublic, ap.Addr())
	}
	return nil
}

// parseIssuerURL parses an absolute http or https URL without user info, query or fragment.
func parseIssuerURL(raw string) (*url.URL, error) {
	u, err := parseFetchURL(raw)
	if err != nil {
		return nil, err
	}
	if u.RawQuery != "" || u.ForceQuery {
		return nil, errors.New("the URL has a query")
	}
	return u, nil
}

// parseFetchURL parses an absolute http or https URL without user info or fragment.
func parseFetchURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Opaque != "" || u.Hostname() == "":
		return nil, errors.New("not an absolute URL")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the scheme is neither https nor http")
	case u.User != nil:
		return nil, errors.New("the URL has user info")
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return nil, errors.New("the URL has a fragment")
	}
	return u, nil
}

// origin is scheme, host and port (RFC 6454 §4), the port always written.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
