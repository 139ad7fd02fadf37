package symbolon

import (
	"strings"
	"testing"
	"time"
)

func duration(d time.Duration) *time.Duration { return &d }

func TestZeroConfigWorks(t *testing.T) {
	c, err := Config{}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:8080" || c.Data != ".symbolon" || c.Region != "us-east-1" || c.Limits != "on" {
		t.Errorf("listen %q, data %q, region %q, limits %q", c.Listen, c.Data, c.Region, c.Limits)
	}
	if c.AccessTokenTTL != time.Hour || c.CodeTTL != time.Minute || *c.RefreshGrace != 30*time.Second || c.RefreshTTL != 8*time.Hour ||
		c.RefreshIdleTTL != 8*time.Hour || c.SignInTTL != 8*time.Hour || c.SignInIdleTTL != time.Hour || c.AssertionMaxLifetime != 24*time.Hour {
		t.Errorf("the default lifetimes are %+v", c)
	}
}

func TestDefaultsFollowEachOther(t *testing.T) {
	c, err := Config{RefreshTTL: 2 * time.Hour, SignInTTL: 10 * time.Minute, Development: true, RefreshGrace: duration(0)}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if c.RefreshIdleTTL != 2*time.Hour || c.SignInIdleTTL != 10*time.Minute {
		t.Errorf("idle lifetimes %v, %v outlast the absolute ones", c.RefreshIdleTTL, c.SignInIdleTTL)
	}
	if c.Limits != "off" {
		t.Errorf("limits in development: %q", c.Limits)
	}
	if *c.RefreshGrace != 0 {
		t.Errorf("a grace of zero became %v", *c.RefreshGrace)
	}
	if c, err := (Config{Development: true, Limits: "on"}).withDefaults(); err != nil || c.Limits != "on" {
		t.Errorf("limits asked for in development: %q, %v", c.Limits, err)
	}
}

func TestConfigRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		says   string
	}{
		"short access token":         {Config{AccessTokenTTL: 59 * time.Second}, "access-token-ttl"},
		"long access token":          {Config{AccessTokenTTL: 12*time.Hour + 1}, "access-token-ttl"},
		"negative access token":      {Config{AccessTokenTTL: -time.Hour}, "access-token-ttl"},
		"long code":                  {Config{CodeTTL: 11 * time.Minute}, "code-ttl"},
		"long grace":                 {Config{RefreshGrace: duration(301 * time.Second)}, "refresh-grace"},
		"negative grace":             {Config{RefreshGrace: duration(-1)}, "refresh-grace"},
		"long family":                {Config{RefreshTTL: 2161 * time.Hour}, "refresh-ttl"},
		"long idle family":           {Config{RefreshIdleTTL: 2161 * time.Hour}, "refresh-idle-ttl"},
		"short sign-in":              {Config{SignInTTL: time.Second}, "sign-in-ttl"},
		"short idle sign-in":         {Config{SignInIdleTTL: time.Second}, "sign-in-idle-ttl"},
		"hasty key rotation":         {Config{KeyRotation: time.Hour}, "key-rotation"},
		"slow key rotation":          {Config{KeyRotation: 8761 * time.Hour}, "key-rotation"},
		"long assertions":            {Config{AssertionMaxLifetime: 25 * time.Hour}, "assertion-max-lifetime"},
		"region":                     {Config{Region: "US East"}, "US East"},
		"one of the regions":         {Config{Regions: []string{"us-east-1", "nowhere"}}, "nowhere"},
		"limits":                     {Config{Limits: "yes"}, "limits"},
		"certificate alone":          {Config{TLSCert: "cert.pem"}, "tls-cert and tls-key"},
		"key alone":                  {Config{TLSKey: "key.pem"}, "tls-cert and tls-key"},
		"origin with a path":         {Config{AllowedIssuerOrigins: []string{"http://10.0.0.5:8080/"}}, "allowed-issuer-origins"},
		"origin of a file":           {Config{AllowedIssuerOrigins: []string{"file://host"}}, "allowed-issuer-origins"},
		"origin with a user":         {Config{AllowedIssuerOrigins: []string{"https://u@host"}}, "allowed-issuer-origins"},
		"any origin":                 {Config{AllowedIssuerOrigins: []string{"*"}}, "allowed-issuer-origins"},
		"identity context actions":   {Config{IdentityContextActions: []string{"not an action"}}, "identity-context-actions"},
		"listen without port":        {Config{Listen: "127.0.0.1"}, "listen"},
		"port beyond all":            {Config{Listen: "127.0.0.1:99999"}, `"99999" is not a port`},
		"port by name":               {Config{Listen: "127.0.0.1:http"}, `"http" is not a port`},
		"no port":                    {Config{Listen: "127.0.0.1:"}, `"" is not a port`},
		"signed port":                {Config{Listen: "127.0.0.1:+80"}, `"+80" is not a port`},
		"port of the admin listener": {Config{AdminListen: "127.0.0.1:abc"}, `admin-listen is "127.0.0.1:abc": "abc" is not a port`},
		"port of the issuer":         {Config{Issuer: "https://sso.example.com:99999"}, `"99999" is not a port`},
		"issuer on port 0":           {Config{Issuer: "https://sso.example.com:0"}, `"0" is not a port`},
		"issuer with an empty port":  {Config{Issuer: "https://sso.example.com:"}, `"" is not a port`},
		"issuer without a host":      {Config{Issuer: "https://:443"}, "issuer"},
		"port of an origin":          {Config{AllowedIssuerOrigins: []string{"http://10.0.0.5:99999"}}, `"99999" is not a port`},
		"two master keys":            {Config{MasterKeyFile: "a", MasterKeyEnv: "B"}, "master-key-file and master-key-env exclude each other"},
		"issuer over http":           {Config{Issuer: "http://sso.example.com"}, "https"},
		"issuer with a query":        {Config{Issuer: "https://sso.example.com?x=1"}, "query"},
		"issuer with a fragment":     {Config{Issuer: "https://sso.example.com#x"}, "fragment"},
		"issuer with a user":         {Config{Issuer: "https://me@sso.example.com"}, "issuer"},
		"issuer that is no URL":      {Config{Issuer: "sso.example.com"}, "issuer"},
		"issuer with a bare slash":   {Config{Issuer: "https://sso.example.com/"}, "issuer"},
		"proxy without issuer":       {Config{BehindProxy: true}, "issuer"},
		"all addresses over http":    {Config{Listen: "0.0.0.0:8080"}, "not a loopback address"},
		"no address over http":       {Config{Listen: ":8080"}, "not a loopback address"},
		"network address over http":  {Config{Listen: "192.168.1.5:8080"}, "not a loopback address"},
		"network name over http":     {Config{Listen: "sso.example.com:8080"}, "not a loopback address"},
		"development on the network": {Config{Listen: "0.0.0.0:8080", BehindProxy: true, Issuer: "https://sso.example.com", Development: true}, "not a loopback address"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.config.withDefaults()
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v does not speak of %q", err, c.says)
			}
		})
	}
}

func TestConfigAccepts(t *testing.T) {
	for name, c := range map[string]Config{
		"bounds":             {AccessTokenTTL: 12 * time.Hour, CodeTTL: time.Second, RefreshGrace: duration(300 * time.Second), RefreshTTL: 2160 * time.Hour},
		"TLS on the network": {Listen: "0.0.0.0:443", TLSCert: "cert.pem", TLSKey: "key.pem"},
		"behind a proxy":     {Listen: "0.0.0.0:8080", BehindProxy: true, Issuer: "https://sso.example.com"},
		"issuer with a path": {Issuer: "https://example.com/sso"},
		"loopback names":     {Listen: "localhost:0", Issuer: "http://127.0.0.1:8080"},
		"loopback version 6": {Listen: "[::1]:8080"},
		"origins":            {AllowedIssuerOrigins: []string{"http://10.0.0.5:8080", "https://idp.internal"}},
		"regions":            {Regions: []string{"us-gov-west-1", "eu-central-1"}, Region: "ap-southeast-2"},
	} {
		if _, err := c.withDefaults(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestConfigReportsEveryFault: an operator mends a file once, not fault by fault.
func TestConfigReportsEveryFault(t *testing.T) {
	_, err := Config{CodeTTL: time.Hour, Limits: "maybe", Listen: "0.0.0.0:1", Region: "?", Issuer: "http://a", AdminListen: "b"}.withDefaults()
	for _, says := range []string{"code-ttl", "limits", "loopback", `"?"`, "must be https", "admin-listen"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not speak of %s", err, says)
		}
	}
}
