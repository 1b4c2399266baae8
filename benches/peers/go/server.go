// RouteGuide on grpc-go.
//
//	server --addr 127.0.0.1:0 --db FILE [--plain]
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "routeguide"
)

const window = 1 << 20

type place struct{ latitude, longitude int32 }

func key(p *pb.Point) place { return place{p.GetLatitude(), p.GetLongitude()} }

func radians(e7 int32) float64 { return float64(e7) * 1e-7 * math.Pi / 180 }

// distance is the great circle between two points in metres, by the haversine formula.
func distance(from, to place) float64 {
	lat1, lat2 := radians(from.latitude), radians(to.latitude)
	halfLat := (lat2 - lat1) / 2
	halfLon := (radians(to.longitude) - radians(from.longitude)) / 2
	sinLat, sinLon := math.Sin(halfLat), math.Sin(halfLon)
	a := sinLat*sinLat + math.Cos(lat1)*math.Cos(lat2)*sinLon*sinLon
	return 2 * 6371000 * math.Atan2(math.Sqrt(a), math.Sqrt(1-a))
}

type guide struct {
	features []*pb.Feature
	at       map[place]*pb.Feature
}

func (g *guide) GetFeature(_ context.Context, point *pb.Point) (*pb.Feature, error) {
	if feature, ok := g.at[key(point)]; ok {
		return feature, nil
	}
	return &pb.Feature{Location: point}, nil
}

func order(a, b int32) (int32, int32) {
	if a > b {
		return b, a
	}
	return a, b
}

func (g *guide) ListFeatures(r *pb.Rectangle, stream pb.RouteGuide_ListFeaturesServer) error {
	lo, hi := key(r.GetLo()), key(r.GetHi())
	south, north := order(lo.latitude, hi.latitude)
	west, east := order(lo.longitude, hi.longitude)
	for _, feature := range g.features {
		p := feature.Location
		if p.Latitude >= south && p.Latitude <= north && p.Longitude >= west && p.Longitude <= east {
			if err := stream.Send(feature); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *guide) RecordRoute(stream pb.RouteGuide_RecordRouteServer) error {
	start := time.Now()
	summary := &pb.RouteSummary{}
	var length float64
	var last place
	for {
		point, err := stream.Recv()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		here := key(point)
		if _, ok := g.at[here]; ok {
			summary.FeatureCount++
		}
		if summary.PointCount > 0 {
			length += distance(last, here)
		}
		summary.PointCount++
		last = here
	}
	if length > math.MaxInt32 {
		return status.Error(codes.OutOfRange, "the route is longer than 2,147,483,647 metres")
	}
	summary.Distance = int32(length)
	summary.ElapsedTime = int32(time.Since(start).Seconds())
	return stream.SendAndClose(summary)
}

func (g *guide) RouteChat(stream pb.RouteGuide_RouteChatServer) error {
	told := make(map[place][]*pb.RouteNote)
	for {
		note, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		here := key(note.GetLocation())
		for _, earlier := range told[here] {
			if err := stream.Send(earlier); err != nil {
				return err
			}
		}
		told[here] = append(told[here], note)
	}
}

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "where to listen")
	db := flag.String("db", "", "the database")
	plain := flag.Bool("plain", false, "leave windows as grpc-go has them")
	flag.Parse()
	text, err := os.ReadFile(*db)
	if err != nil {
		log.Fatal(err)
	}
	g := &guide{at: make(map[place]*pb.Feature)}
	if err := json.Unmarshal(text, &g.features); err != nil {
		log.Fatalf("%s: %v", *db, err)
	}
	for _, feature := range g.features {
		g.at[key(feature.Location)] = feature
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	options := []grpc.ServerOption{grpc.MaxRecvMsgSize(64 << 20)}
	if !*plain {
		options = append(options, grpc.InitialWindowSize(window), grpc.InitialConnWindowSize(window))
	}
	server := grpc.NewServer(options...)
	pb.RegisterRouteGuideServer(server, g)
	fmt.Println("listening on", listener.Addr())
	log.Fatal(server.Serve(listener))
}
