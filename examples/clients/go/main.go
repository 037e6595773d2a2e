// Sends a batch of hits, and asks for it in several ways.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"time"
)

var hits = []Hit{
	{IP: "192.0.2.1", Method: "GET", Path: "/orders", Status: 200, ResponseTimeMs: 12.5},
	{IP: "192.0.2.1", Method: "GET", Path: "/orders", Status: 404},
	{IP: "192.0.2.2", Method: "POST", Path: "/orders", Status: 201},
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	server := os.Getenv("ROLLCALL_URL")
	if server == "" {
		server = "http://127.0.0.1:3000"
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = time.Minute
	client := &http.Client{Transport: transport}
	gateway := Rollcall{server, os.Getenv("INGEST_TOKEN"), client}
	rollcall := Rollcall{server, os.Getenv("ADMIN_TOKEN"), client}

	report, err := gateway.Send(ctx, hits)
	if err != nil {
		return err
	}
	accepted := len(hits)
	if report != nil {
		accepted = report.Accepted
	}
	fmt.Println("sent", accepted)

	day := url.Values{"timeRange": {"24h"}}
	var stats struct{ TotalRequests uint64 }
	if err := rollcall.Ask(ctx, "global-stats", day, &stats); err != nil {
		return err
	}
	fmt.Println("requests", stats.TotalRequests)

	var top struct {
		Paths []struct {
			PathKey       string
			TotalRequests uint64
		}
	}
	five := url.Values{"timeRange": {"24h"}, "limit": {"5"}}
	if err := rollcall.Ask(ctx, "top-paths", five, &top); err != nil {
		return err
	}
	for _, path := range top.Paths {
		fmt.Println("path", path.TotalRequests, path.PathKey)
	}

	var statuses Breakdown
	filter := url.Values{
		"by":        {"statusCode"},
		"timeRange": {"24h"},
		"path":      {"/orders"},
		"method":    {"GET"},
	}
	if err := rollcall.Ask(ctx, "breakdown", filter, &statuses); err != nil {
		return err
	}
	for _, group := range statuses.Groups {
		fmt.Println("status", group.TotalRequests, group.Name)
	}

	ips, err := rollcall.IPs(ctx, "24h")
	if err != nil {
		return err
	}
	var requests uint64
	for _, ip := range ips {
		requests += ip.TotalRequests
	}
	fmt.Println("IPs", len(ips), "with", requests, "requests")

	var rows, counted uint64
	err = rollcall.Export(ctx, url.Values{"dateRange": {"1d"}}, func(row Row) error {
		rows++
		counted += row.Count
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Println("exported", rows, "rows of", counted, "requests")
	return nil
}
