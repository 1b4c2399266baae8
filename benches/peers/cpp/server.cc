// RouteGuide on gRPC C++, with the callback API that its authors recommend for speed: no thread waits for a call.
//
//   server --addr 127.0.0.1:0 --db FILE

#include <algorithm>
#include <cmath>
#include <chrono>
#include <cstdint>
#include <deque>
#include <fstream>
#include <iostream>
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include <grpcpp/grpcpp.h>
#include <nlohmann/json.hpp>

#include "route_guide.grpc.pb.h"

namespace {

using routeguide::Feature;
using routeguide::Point;
using routeguide::Rectangle;
using routeguide::RouteNote;
using routeguide::RouteSummary;

constexpr int kWindow = 1 << 20;

uint64_t Key(const Point& p) {
  return static_cast<uint64_t>(static_cast<uint32_t>(p.latitude())) << 32 | static_cast<uint32_t>(p.longitude());
}

double Radians(int32_t e7) { return e7 * 1e-7 * M_PI / 180.0; }

// The great circle between two points in metres, by the haversine formula.
double Distance(const Point& from, const Point& to) {
  const double lat1 = Radians(from.latitude()), lat2 = Radians(to.latitude());
  const double half_lat = (lat2 - lat1) / 2;
  const double half_lon = (Radians(to.longitude()) - Radians(from.longitude())) / 2;
  const double a = std::pow(std::sin(half_lat), 2) + std::cos(lat1) * std::cos(lat2) * std::pow(std::sin(half_lon), 2);
  return 2 * 6371000.0 * std::atan2(std::sqrt(a), std::sqrt(1 - a));
}

struct Database {
  std::vector<Feature> features;
  std::unordered_map<uint64_t, size_t> at;

  explicit Database(const std::string& path) {
    std::ifstream file(path);
    for (const auto& entry : nlohmann::json::parse(file)) {
      Feature feature;
      feature.set_name(entry["name"].get<std::string>());
      feature.mutable_location()->set_latitude(entry["location"]["latitude"].get<int32_t>());
      feature.mutable_location()->set_longitude(entry["location"]["longitude"].get<int32_t>());
      at[Key(feature.location())] = features.size();
      features.push_back(std::move(feature));
    }
  }
};

class Lister : public grpc::ServerWriteReactor<Feature> {
 public:
  Lister(const Database& db, const Rectangle& r)
      : db_(db),
        south_(std::min(r.lo().latitude(), r.hi().latitude())),
        north_(std::max(r.lo().latitude(), r.hi().latitude())),
        west_(std::min(r.lo().longitude(), r.hi().longitude())),
        east_(std::max(r.lo().longitude(), r.hi().longitude())) {
    Next();
  }
  void OnWriteDone(bool ok) override { ok ? Next() : Finish(grpc::Status::CANCELLED); }
  void OnDone() override { delete this; }

 private:
  void Next() {
    while (next_ < db_.features.size()) {
      const Feature& feature = db_.features[next_++];
      const Point& p = feature.location();
      if (p.latitude() >= south_ && p.latitude() <= north_ && p.longitude() >= west_ && p.longitude() <= east_) {
        StartWrite(&feature);
        return;
      }
    }
    Finish(grpc::Status::OK);
  }
  const Database& db_;
  const int32_t south_, north_, west_, east_;
  size_t next_ = 0;
};

class Recorder : public grpc::ServerReadReactor<Point> {
 public:
  Recorder(const Database& db, RouteSummary* summary) : db_(db), summary_(summary) { StartRead(&point_); }
  void OnReadDone(bool ok) override {
    if (!ok) {
      if (distance_ > std::numeric_limits<int32_t>::max()) {
        Finish(grpc::Status(grpc::StatusCode::OUT_OF_RANGE, "the route is longer than 2,147,483,647 metres"));
        return;
      }
      summary_->set_point_count(points_);
      summary_->set_feature_count(known_);
      summary_->set_distance(static_cast<int32_t>(distance_));
      const auto elapsed = std::chrono::steady_clock::now() - start_;
      summary_->set_elapsed_time(std::chrono::duration_cast<std::chrono::seconds>(elapsed).count());
      Finish(grpc::Status::OK);
      return;
    }
    known_ += db_.at.count(Key(point_));
    if (points_++ > 0) distance_ += Distance(last_, point_);
    std::swap(last_, point_);
    StartRead(&point_);
  }
  void OnDone() override { delete this; }

 private:
  const Database& db_;
  RouteSummary* summary_;
  Point point_, last_;
  int32_t points_ = 0, known_ = 0;
  double distance_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

class Chatter : public grpc::ServerBidiReactor<RouteNote, RouteNote> {
 public:
  Chatter() { StartRead(&note_); }
  void OnReadDone(bool ok) override {
    if (!ok) {
      Finish(grpc::Status::OK);
      return;
    }
    std::vector<RouteNote>& told = told_[Key(note_.location())];
    answers_.insert(answers_.end(), told.begin(), told.end());
    told.push_back(note_);
    Next();
  }
  void OnWriteDone(bool ok) override {
    if (!ok) {
      Finish(grpc::Status::CANCELLED);
      return;
    }
    answers_.pop_front();
    Next();
  }
  void OnDone() override { delete this; }

 private:
  void Next() {
    if (answers_.empty()) {
      StartRead(&note_);
    } else {
      StartWrite(&answers_.front());
    }
  }
  RouteNote note_;
  std::unordered_map<uint64_t, std::vector<RouteNote>> told_;
  std::deque<RouteNote> answers_;
};

class Guide final : public routeguide::RouteGuide::CallbackService {
 public:
  explicit Guide(const std::string& path) : db_(path) {}

 private:
  grpc::ServerUnaryReactor* GetFeature(grpc::CallbackServerContext* context, const Point* point, Feature* feature) override {
    const auto found = db_.at.find(Key(*point));
    if (found != db_.at.end()) {
      *feature = db_.features[found->second];
    } else {
      *feature->mutable_location() = *point;
    }
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  grpc::ServerWriteReactor<Feature>* ListFeatures(grpc::CallbackServerContext*, const Rectangle* rectangle) override {
    return new Lister(db_, *rectangle);
  }
  grpc::ServerReadReactor<Point>* RecordRoute(grpc::CallbackServerContext*, RouteSummary* summary) override {
    return new Recorder(db_, summary);
  }
  grpc::ServerBidiReactor<RouteNote, RouteNote>* RouteChat(grpc::CallbackServerContext*) override { return new Chatter; }

  const Database db_;
};

}  // namespace

int main(int argc, char** argv) {
  std::string addr = "127.0.0.1:0", db;
  for (int i = 1; i + 1 < argc; i += 2) {
    (std::string(argv[i]) == "--addr" ? addr : db) = argv[i + 1];
  }
  // An argument more, --plain, leaves the windows as gRPC has them.
  const bool plain = argc % 2 == 0;
  Guide guide(db);
  int port = 0;
  grpc::ServerBuilder builder;
  if (!plain) builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kWindow);
  builder.SetMaxReceiveMessageSize(64 << 20);
  builder.AddListeningPort(addr, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&guide);
  auto server = builder.BuildAndStart();
  if (!server || port == 0) {
    std::cerr << "cannot listen on " << addr << std::endl;
    return 1;
  }
  std::cout << "listening on 127.0.0.1:" << port << std::endl;
  server->Wait();
}
