package postgres

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// conn is one connection, used by one goroutine at a time. Statements go out in pipelines: many in one write, their
// replies read in order.
type conn struct {
	net      net.Conn
	in       *pgproto3.Frontend // its receiving half
	out      []byte
	prepared map[*text]*prepared
	trips    *atomic.Int64 // round trips of all connections
	of       lineage       // the server's
	writing  chan error    // the end of a write that goes on while replies are read
	// heard says that a reply has come in this trip: until then the server has certainly done nothing.
	heard bool
	// warned is the server's warning in this trip that what it calls committed is not on the standby that it had to wait for.
	warned error
	// owed says that the replies of a pipeline that nobody waited for are still to be read. It is in out, or was sent.
	owed  bool
	texts *dictionary
	// state is that of the transaction at the last ready: 'I' none, 'T' open, 'E' failed.
	state byte
	// rolledBack says that the last command's tag was ROLLBACK.
	rolledBack bool
	// died is the error after which the connection is of no use.
	died error
}

// prepared is a statement as a connection knows it.
type prepared struct {
	name    string
	sql     string
	params  []uint32
	columns []uint32
}

// largeWrite is the size from which on a pipeline is written while its replies are read: with both ends waiting for the
// other to read, neither would.
const largeWrite = 32 << 10

// errLost is a connection that failed. What was under way may have been done or not.
var errLost = errors.New("connection lost")

// lose remembers the first failure; it is final.
func (c *conn) lose(err error) error {
	if c.died == nil {
		c.died = fmt.Errorf("%w: %w", errLost, err)
		_ = c.net.Close() // the failure is the news
	}
	return c.died
}

// start opens a trip: what comes must come before the deadline.
func (c *conn) start(deadline time.Time) error {
	if c.died != nil {
		return c.died
	}
	c.heard = false
	if err := c.net.SetDeadline(deadline); err != nil {
		return c.lose(err)
	}
	if c.owed && len(c.out) == 0 {
		return c.settle()
	}
	return nil
}

// settle reads what is owed.
func (c *conn) settle() error {
	c.owed = false
	if err := c.ready(); errors.Is(err, errLost) {
		return err
	}
	return nil
}

// rest sends what nobody waits for, before the connection goes idle.
func (c *conn) rest() error {
	if c.died != nil || len(c.out) == 0 {
		return c.died
	}
	_, err := c.net.Write(c.out)
	c.out = c.out[:0]
	if err != nil {
		return c.lose(err)
	}
	return nil
}

// send writes the pipeline. sent says whether any of it may have reached the server.
func (c *conn) send() (sent bool, err error) {
	c.trips.Add(1)
	c.warned = nil
	owed := c.owed
	defer func() {
		if owed && err == nil {
			err = c.settle()
		}
		c.heard = false
	}()
	if len(c.out) >= largeWrite {
		c.writing = make(chan error, 1)
		go func(out []byte, done chan<- error) {
			_, err := c.net.Write(out)
			done <- err
		}(c.out, c.writing)
		c.out = nil
		return true, nil
	}
	n, err := c.net.Write(c.out)
	c.out = c.out[:0]
	if err != nil {
		return n > 0, c.lose(err)
	}
	return true, nil
}

// receive returns the next message. It is valid until the next call.
func (c *conn) receive() (pgproto3.BackendMessage, error) {
	for {
		m, err := c.in.Receive()
		if err != nil {
			return nil, c.lose(err)
		}
		switch m := m.(type) {
		case *pgproto3.NoticeResponse:
			if m.SeverityUnlocalized == "WARNING" && m.Code == generalWarning {
				c.warned = fmt.Errorf("%s; %s", m.Message, m.Detail)
			}
			continue
		case *pgproto3.ParameterStatus, *pgproto3.NotificationResponse:
			continue
		case *pgproto3.ErrorResponse:
			if e := pgconn.ErrorResponseToPgError(m); fatal(e) {
				return nil, c.lose(e)
			}
		}
		c.heard = true
		return m, nil
	}
}

// reply reads what became of one executed statement: its rows, and how many it affected. An error of the server's is a
// *pgconn.PgError; it has skipped everything up to the next sync then.
func (c *conn) reply(row func(values [][]byte) error) (rows int64, err error) {
	var stop error
	for {
		m, err := c.receive()
		if err != nil {
			return 0, err
		}
		switch m := m.(type) {
		case *pgproto3.BindComplete:
		case *pgproto3.DataRow:
			if row != nil && stop == nil {
				stop = row(m.Values)
			}
		case *pgproto3.CommandComplete:
			c.rolledBack = string(m.CommandTag) == "ROLLBACK"
			return affected(m.CommandTag), stop
		case *pgproto3.EmptyQueryResponse:
			return 0, stop
		case *pgproto3.ErrorResponse:
			return 0, pgconn.ErrorResponseToPgError(m)
		default:
			return 0, c.lose(fmt.Errorf("unexpected %T", m))
		}
	}
}

// ready reads up to the end of the pipeline. An error on the way, such as one of the commit itself, is returned after it.
func (c *conn) ready() (err error) {
	for {
		m, fail := c.receive()
		if fail != nil {
			return fail
		}
		switch m := m.(type) {
		case *pgproto3.ErrorResponse:
			if err == nil {
				err = pgconn.ErrorResponseToPgError(m)
			}
		case *pgproto3.ReadyForQuery:
			c.state = m.TxStatus
			return errors.Join(err, c.written())
		}
	}
}

// written waits for a large write, which is over when all replies have come.
func (c *conn) written() error {
	if c.writing == nil {
		return nil
	}
	err := <-c.writing
	c.writing = nil
	if err != nil {
		return c.lose(err)
	}
	return nil
}

// prepare makes the statements known to the connection, in one trip if there are new ones. No pipeline may have been begun.
func (c *conn) prepare(deadline time.Time, texts ...*text) error {
	var fresh []*prepared
	for _, t := range texts {
		if c.prepared[t] == nil {
			p := &prepared{name: "s" + strconv.Itoa(len(c.prepared)), sql: t.sql}
			c.prepared[t] = p
			fresh = append(fresh, p)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	err := c.parseAll(deadline, fresh)
	if err != nil {
		_ = c.lose(err) // some are known to the server and some not
	}
	return err
}

func (c *conn) parseAll(deadline time.Time, fresh []*prepared) error {
	if err := c.start(deadline); err != nil {
		return err
	}
	for _, p := range fresh {
		c.parse(p.name, p.sql)
	}
	c.sync()
	if _, err := c.send(); err != nil {
		return err
	}
	for _, p := range fresh {
		if err := c.described(p); err != nil {
			return fmt.Errorf("%w: %s", err, p.sql)
		}
	}
	return c.ready()
}

// described reads the replies to parse.
func (c *conn) described(p *prepared) error {
	for {
		m, err := c.receive()
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case *pgproto3.ParseComplete:
		case *pgproto3.ParameterDescription:
			p.params = append([]uint32{}, m.ParameterOIDs...)
		case *pgproto3.NoData:
			return nil
		case *pgproto3.RowDescription:
			for _, f := range m.Fields {
				p.columns = append(p.columns, f.DataTypeOID)
			}
			return nil
		case *pgproto3.ErrorResponse:
			return pgconn.ErrorResponseToPgError(m)
		default:
			return c.lose(fmt.Errorf("unexpected %T", m))
		}
	}
}

// run runs statements without parameters, each a transaction of its own unless one is open.
func (c *conn) run(deadline time.Time, sql string) error {
	if err := c.start(deadline); err != nil {
		return err
	}
	c.simple(sql)
	if _, err := c.send(); err != nil {
		return err
	}
	return c.ready()
}

// close ends the connection, politely if it is in order.
func (c *conn) close() {
	if c.died == nil {
		_ = c.net.SetDeadline(time.Now().Add(time.Second))
		_, _ = c.net.Write([]byte{'X', 0, 0, 0, 4}) // whether it is heard makes no difference
	}
	_ = c.net.Close()
}
