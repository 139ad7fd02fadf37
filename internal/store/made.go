package store

import (
	"context"
	"errors"
	"fmt"
)

// ErrNone says that a database holds no store: none of our tables, or none that its role may see.
var ErrNone = errors.New("store: the database holds no store")

// ErrReadOnly says that a write was asked of a store that was opened ReadOnly.
var ErrReadOnly = errors.New("store: it was opened to be read only")

// Made looks for a store in a database, and makes nothing: nil if there is one, of whatever version, else ErrNone.
func Made(ctx context.Context, b Backend) error {
	columns, _, err := b.Columns(ctx, metaTable)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if len(columns) == 0 {
		return ErrNone
	}
	return nil
}
