package symbolon

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/symbolon/symbolon/internal/token"
)

var (
	keysCount = prometheus.NewDesc("symbolon_keys", "Keys by kind and state: published, current, retiring, retired.",
		[]string{"kind", "state"}, nil)
	keyFirstUse = prometheus.NewDesc("symbolon_key_first_use_timestamp_seconds", "Since when the current key of a kind has been in use.",
		[]string{"kind"}, nil)
	keyNextRotation = prometheus.NewDesc("symbolon_key_next_rotation_timestamp_seconds", "When a kind of keys is due for its next rotation.",
		[]string{"kind"}, nil)
)

// keyMetrics describes the keyring at every scrape.
type keyMetrics struct{ keys *token.Keyring }

// Describe implements prometheus.Collector.
func (k keyMetrics) Describe(to chan<- *prometheus.Desc) {
	to <- keysCount
	to <- keyFirstUse
	to <- keyNextRotation
}

// Collect implements prometheus.Collector. While the keys cannot be read there are no figures, rather than old ones.
func (k keyMetrics) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	infos, err := k.keys.Inventory(ctx)
	if err != nil {
		return
	}
	byKind := map[token.Purpose][]token.KeyInfo{}
	for _, i := range infos {
		byKind[i.Purpose] = append(byKind[i.Purpose], i)
	}
	for kind, keys := range byKind {
		states := map[token.KeyState]int{}
		for _, i := range keys {
			states[i.State]++
			if i.State == token.KeyCurrent {
				to <- prometheus.MustNewConstMetric(keyFirstUse, prometheus.GaugeValue, float64(i.FirstUse.Unix()), string(kind))
			}
		}
		for state, n := range states {
			to <- prometheus.MustNewConstMetric(keysCount, prometheus.GaugeValue, float64(n), string(kind), string(state))
		}
		if next := k.keys.NextRotation(keys); !next.IsZero() {
			to <- prometheus.MustNewConstMetric(keyNextRotation, prometheus.GaugeValue, float64(next.Unix()), string(kind))
		}
	}
}
