// A client of grpc-go, as it comes: a call of each method of RouteGuide, and one of a method that no server has.
//
//	client --address 127.0.0.1:50051
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "routeguide"
)

func point(latitude, longitude int32) *pb.Point {
	return &pb.Point{Latitude: latitude, Longitude: longitude}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func equal(found, expected interface{}) {
	if found != expected {
		log.Fatalf("expected %v, found %v", expected, found)
	}
}

func main() {
	address := flag.String("address", "", "where the server is")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	connection, err := grpc.DialContext(ctx, *address, grpc.WithInsecure(), grpc.WithBlock())
	must(err)
	guide := pb.NewRouteGuideClient(connection)
	trail, hills := point(409146138, -746188906), point(409439900, -746707200)

	feature, err := guide.GetFeature(ctx, trail)
	must(err)
	equal(feature.GetName(), "Berkshire Valley Management Area Trail, Jefferson, NJ, USA")

	lo, hi := point(409000000, -747000000), point(410000000, -746000000)
	list, err := guide.ListFeatures(ctx, &pb.Rectangle{Lo: lo, Hi: hi})
	must(err)
	features := 0
	for _, err = list.Recv(); err == nil; _, err = list.Recv() {
		features++
	}
	equal(err, io.EOF)
	equal(features, 2)

	record, err := guide.RecordRoute(ctx)
	must(err)
	must(record.Send(trail))
	must(record.Send(hills))
	summary, err := record.CloseAndRecv()
	must(err)
	equal(summary.GetFeatureCount(), int32(2))

	chat, err := guide.RouteChat(ctx)
	must(err)
	for number, longitude := range []int32{1, 2, 1} {
		note := &pb.RouteNote{Location: point(0, longitude), Message: fmt.Sprintf("note %d", number+1)}
		must(chat.Send(note))
	}
	must(chat.CloseSend())
	answer, err := chat.Recv()
	must(err)
	equal(answer.GetMessage(), "note 1")
	_, err = chat.Recv()
	equal(err, io.EOF)

	err = connection.Invoke(ctx, "/routeguide.RouteGuide/DropFeature", trail, &pb.Feature{})
	equal(status.Code(err), codes.Unimplemented)
	must(connection.Close())
}
