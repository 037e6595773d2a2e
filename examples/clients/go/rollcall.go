package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	// A request is sent at most this often.
	tries = 5
	// The longest wait before it is sent again. If the server asks for more, this is an error.
	waitMax = time.Minute
	// The most groups in one answer, and the most that all pages show.
	page      = 1_000
	groupsMax = 10_000
)

// Rollcall is a client of a server. The token is a viewer's or an admin's to ask, and an ingest
// token to send.
type Rollcall struct {
	URL   string
	Token string
	// HTTP may have a timeout for the head of an answer. An export may take as long as it needs.
	HTTP *http.Client
}

// A Hit is one request that a gateway saw.
type Hit struct {
	IP             string  `json:"ip"`
	Method         string  `json:"method,omitempty"`
	Path           string  `json:"path,omitempty"`
	Timestamp      string  `json:"timestamp,omitempty"`
	Status         int     `json:"status,omitempty"`
	ResponseTimeMs float64 `json:"responseTimeMs,omitempty"`
}

// A Report is the answer to a batch of which not every hit was accepted as it came.
type Report struct {
	Accepted   int `json:"accepted"`
	Rejected   int `json:"rejected"`
	Rejections []struct {
		Number        int
		Field, Reason string
	} `json:"rejections"`
}

// A Group is an entry of a breakdown.
type Group struct {
	Name          string `json:"name"`
	TotalRequests uint64 `json:"totalRequests"`
}

// A Breakdown has the hits by one property.
type Breakdown struct {
	TotalGroups int     `json:"totalGroups"`
	Groups      []Group `json:"groups"`
}

// A Row of an export is an IP on a path.
type Row struct {
	IP              string    `json:"ip"`
	PathKey         string    `json:"pathKey"`
	Count           uint64    `json:"count"`
	FirstSeen       time.Time `json:"firstSeen"`
	LastAccessed    time.Time `json:"lastAccessed"`
	Bytes           *uint64   `json:"bytes"`
	AvgResponseTime *float64  `json:"avgResponseTime"`
}

// A Refusal is an answer of Rollcall that is an error.
type Refusal struct {
	Status int
	Detail string
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%d: %s", r.Status, r.Detail)
}

// Ask asks a question, and reads the answer into a struct. The question is one as top-paths.
func (r *Rollcall) Ask(ctx context.Context, question string, parameters url.Values, answer any) error {
	response, err := r.send(ctx, http.MethodGet, "/admin/"+question+"?"+parameters.Encode(), nil, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(answer)
}

// IPs gives every IP, the one with the most hits first, page by page: at most 10,000.
func (r *Rollcall) IPs(ctx context.Context, timeRange string) ([]Group, error) {
	var ips []Group
	for offset := 0; offset < groupsMax; offset += page {
		parameters := url.Values{
			"by":        {"ip"},
			"timeRange": {timeRange},
			"limit":     {strconv.Itoa(page)},
			"offset":    {strconv.Itoa(offset)},
		}
		var answer Breakdown
		if err := r.Ask(ctx, "breakdown", parameters, &answer); err != nil {
			return nil, err
		}
		ips = append(ips, answer.Groups...)
		if offset+page >= answer.TotalGroups {
			break
		}
	}
	return ips, nil
}

// Export calls take for each IP and path, as the server sends the rows. If the server cannot finish
// the export, this is an error.
func (r *Rollcall) Export(ctx context.Context, parameters url.Values, take func(Row) error) error {
	query := url.Values{"format": {"ndjson"}}
	for name, values := range parameters {
		query[name] = values
	}
	response, err := r.send(ctx, http.MethodGet, "/admin/export?"+query.Encode(), nil, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	rows := json.NewDecoder(bufio.NewReader(response.Body))
	for {
		var row Row
		switch err := rows.Decode(&row); err {
		case nil:
			if err := take(row); err != nil {
				return err
			}
		case io.EOF:
			return nil
		default:
			return err
		}
	}
}

// Send sends a batch. It counts once, even if it has to be sent again. If the report is nil, every
// hit was accepted. Else it says which ones were not, or were changed.
func (r *Rollcall) Send(ctx context.Context, hits []Hit) (*Report, error) {
	body, err := json.Marshal(hits)
	if err != nil {
		return nil, err
	}
	key := make([]byte, 16)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	headers := http.Header{
		"Content-Type":    {"application/json"},
		"Idempotency-Key": {hex.EncodeToString(key)},
	}
	response, err := r.send(ctx, http.MethodPost, "/collect", body, headers)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusAccepted {
		return nil, nil
	}
	var report Report
	return &report, json.NewDecoder(response.Body).Decode(&report)
}

// send sends a request, and again if the server is busy or does not answer.
func (r *Rollcall) send(ctx context.Context, method, target string, body []byte, headers http.Header) (*http.Response, error) {
	for try := 1; ; try++ {
		request, err := http.NewRequestWithContext(ctx, method, r.URL+target, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		for name, values := range headers {
			request.Header[name] = values
		}
		request.Header.Set("Authorization", "Bearer "+r.Token)
		wait := time.Second << try
		response, err := r.HTTP.Do(request)
		if err == nil {
			if response.StatusCode < 300 {
				return response, nil
			}
			if asked, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
				wait = time.Duration(asked) * time.Second
			}
			refused := refusal(response)
			if !isBusy(response.StatusCode) || try == tries || wait > waitMax {
				return nil, refused
			}
		} else if try == tries {
			return nil, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func isBusy(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
}

// refusal reads the words of a problem document (RFC 9457).
func refusal(response *http.Response) error {
	defer response.Body.Close()
	problem := struct{ Title, Detail string }{Title: response.Status}
	// An answer of another server has no such words. Then its status has to do.
	_ = json.NewDecoder(response.Body).Decode(&problem)
	if problem.Detail == "" {
		problem.Detail = problem.Title
	}
	return &Refusal{response.StatusCode, problem.Detail}
}
