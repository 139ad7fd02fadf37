package policy

import "sync"

// maxCached bounds each of a Cache's two generations, in policies and in bytes of text.
const (
	maxCached      = 4096
	maxCachedBytes = 16 << 20
)

// Cache remembers what Parse made of a text; bounded; safe for concurrent use. The zero value works.
//
// It keeps two generations: a full young one becomes the old one, whose policies move to the young one when asked for
// again. So what is used stays, at the price of one map look-up.
type Cache struct {
	mu         sync.Mutex
	young, old map[cacheKey]*Policy
	bytes      int // of texts in young
}

// Inline names a policy that stands in the record of who holds it: "user alice inline reads". It is put together only where a policy is
// parsed, because every request looks its caller's policies up.
type Inline struct{ Kind, Holder, Name string }

func (n Inline) String() string {
	if n.Kind == "" {
		return n.Name
	}
	return n.Kind + " " + n.Holder + " inline " + n.Name
}

// cacheKey is the whole text, not its hash: two policies can never be taken for one another.
type cacheKey struct {
	kind     Kind
	name     Inline
	document string
}

// Parse is policy.Parse, remembered by kind, name and text. Errors are not remembered.
func (c *Cache) Parse(kind Kind, name, document string) (*Policy, error) {
	return c.ParseInline(kind, Inline{Name: name}, document)
}

// ParseInline is the same of an inline policy.
func (c *Cache) ParseInline(kind Kind, name Inline, document string) (*Policy, error) {
	key := cacheKey{kind, name, document}
	c.mu.Lock()
	p := c.young[key]
	if p == nil {
		if p = c.old[key]; p != nil {
			c.put(key, p)
		}
	}
	c.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p, err := Parse(kind, name.String(), []byte(document))
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(key, p)
	return p, nil
}

func (c *Cache) put(key cacheKey, p *Policy) {
	if _, again := c.young[key]; again {
		return
	}
	if c.young == nil || len(c.young) >= maxCached || c.bytes >= maxCachedBytes {
		c.old, c.young, c.bytes = c.young, map[cacheKey]*Policy{}, 0
	}
	c.young[key] = p
	c.bytes += len(key.name.Holder) + len(key.name.Name) + len(key.document)
}
