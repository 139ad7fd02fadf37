package symbolon

import (
	"context"
	"crypto/rand"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// sharedSettings must be the same on all nodes of a database: a client must not notice which node answers. The issuer is compared before
// a node begins to serve; a difference in the others is logged, since it is what a change of settings looks like, node by node.
var sharedSettings = []string{
	"issuer", "region", "regions", "access-token-ttl", "code-ttl", "refresh-grace", "refresh-ttl", "refresh-idle-ttl", "sign-in-ttl",
	"sign-in-idle-ttl", "assertion-max-lifetime", "allowed-issuer-origins", "identity-context-actions", "key-rotation", "limits",
}

// Join announces this server to the others on its database, if it is one that several can share, until Close. It is an error not to fit
// them: another issuer, or a clock more than 30 seconds from theirs. Serve joins by itself if nobody has; a second call does nothing.
func (s *Server) Join(ctx context.Context) error {
	if !s.db.Shared() || s.health.nodes.Load() != nil {
		return nil
	}
	self := node{
		ID: rand.Text(), Address: hostname() + " " + s.config.Listen, Version: s.config.Version, MasterKey: s.masterKey,
		Settings: s.sharedValues(), StartedAt: s.config.Now(),
	}
	n, err := joinNodes(ctx, s.db, self, s.config.Now, s.config.Log)
	if err != nil {
		return fmt.Errorf("this server cannot join the others on its database: %w", err)
	}
	s.health.nodes.Store(n)
	return nil
}

// sharedValues are the settings that the nodes compare, as text.
func (s *Server) sharedValues() map[string]string {
	values := map[string]string{}
	c := s.config
	c.Issuer = s.issuer
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("config")
		if !slices.Contains(sharedSettings, name) {
			continue
		}
		switch value := v.Field(i).Interface().(type) {
		case []string:
			values[name] = strings.Join(value, ",")
		case *time.Duration:
			values[name] = value.String()
		default:
			values[name] = fmt.Sprint(value)
		}
	}
	return values
}

// NodeStats is what a server knows of the nodes on its database.
type NodeStats struct {
	Nodes      int           // that serve, itself included; 0 before it has joined, and on a store of its own
	ClockAhead time.Duration // of the database's clock, at the last heartbeat
	Beat       time.Time     // the last heartbeat the database took
}

// NodeStats tells of the nodes as of the last heartbeat.
func (s *Server) NodeStats() NodeStats {
	n := s.health.nodes.Load()
	if n == nil {
		return NodeStats{}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return NodeStats{Nodes: len(n.alive) + 1, ClockAhead: n.self.ClockAhead, Beat: n.beat}
}
