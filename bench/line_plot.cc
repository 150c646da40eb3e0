// SPDX-License-Identifier: Apache-2.0
#include "bench/line_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <set>

namespace bench {
namespace {

constexpr double kWidth = 760;
constexpr double kHeight = 440;
constexpr double kLeft = 70;
constexpr double kRight = 190;  ///< the legend's
constexpr double kTop = 40;
constexpr double kBottom = 50;
// Okabe and Ito's colours, which people who confuse red and green can tell apart.
constexpr std::array<const char*, 8> kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                 "#e69f00", "#56b4e9", "#000000", "#888888"};

template <class... Values>
std::string print(const char* format, Values... values) {
  std::array<char, 512> text;
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '<') {
      safe += "&lt;";
    } else if (c == '&') {
      safe += "&amp;";
    } else {
      safe += c;
    }
  }
  return safe;
}

/// 1500 as 1.5k.
std::string short_number(double value) {
  if (value >= 1e6) return print("%gM", value / 1e6);
  return value >= 1e3 ? print("%gk", value / 1e3) : print("%g", value);
}

struct Axis {
  bool linear = false;  ///< else logarithmic
  double low = std::numeric_limits<double>::max();
  double high = 0;
  double from = 0;  ///< pixels of low and high
  double to = 0;

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  [[nodiscard]] double at(double value) const {
    if (high <= low) return from;
    if (linear) return from + (to - from) * (value - low) / (high - low);
    return from + (to - from) * std::log(value / low) / std::log(high / low);
  }
};

/// 1, 2 and 5 times powers of ten, from one below to one above.
std::vector<double> round_numbers(double low, double high) {
  std::vector<double> all;
  for (double power = std::pow(10, std::floor(std::log10(low))); power <= 10 * high; power *= 10) {
    for (const double step : {1.0, 2.0, 5.0}) all.push_back(power * step);
  }
  while (all.size() > 1 && all[1] <= low) all.erase(all.begin());
  while (all.size() > 1 && all[all.size() - 2] >= high) all.pop_back();
  return all;
}

/// From 0 to one above, in some five steps of 1, 2 or 5 times a power of ten.
std::vector<double> even_numbers(double high) {
  const double power = std::pow(10, std::floor(std::log10(high / 5)));
  double step = power;
  for (const double times : {2.0, 5.0, 10.0}) {
    if (step * 5 < high) step = power * times;
  }
  std::vector<double> all = {0};
  while (all.back() < high) all.push_back(step * static_cast<double>(all.size()));
  return all;
}

std::string label(double x, double y, const char* anchor, const std::string& text) {
  return print("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor) + escaped(text) +
         "</text>\n";
}

std::string rule(double x1, double y1, double x2, double y2, const char* colour) {
  return print("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x1, y1,
               x2, y2, colour);
}

std::string drawn(const PlotLine& line, const Axis& x, const Axis& y, const char* colour) {
  std::string path;
  std::string dots;
  for (const auto& [px, py] : line.points) {
    path += print("%s%.1f %.1f", path.empty() ? "M" : " L", x.at(px), y.at(py));
    dots += print("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", x.at(px), y.at(py),
                  colour);
  }
  return "<path d=\"" + path + "\" fill=\"none\" stroke-width=\"2\" stroke=\"" + colour + "\"" +
         (line.dashed ? " stroke-dasharray=\"6 4\"" : "") + "/>\n" + dots;
}

}  // namespace

std::string svg(const Plot& plot) {
  Axis x;
  Axis y;
  std::set<double> x_marks;
  for (const PlotLine& line : plot.lines) {
    for (const auto& [px, py] : line.points) {
      x.include(px);
      y.include(py);
      x_marks.insert(px);
    }
  }
  if (x_marks.empty()) return "";
  const std::vector<double> y_marks =
      plot.linear_y ? even_numbers(y.high) : round_numbers(y.low, y.high);
  y.linear = plot.linear_y;
  y.low = y_marks.front();
  y.high = y_marks.back();
  x.from = kLeft;
  x.to = kWidth - kRight;
  y.from = kHeight - kBottom;
  y.to = kTop;

  std::string out = print(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
      kWidth, kHeight);
  out += label(kLeft, kTop - 18, "start", plot.title);
  for (const double mark : y_marks) {
    out += rule(x.from, y.at(mark), x.to, y.at(mark), "#dddddd");
    out += label(x.from - 8, y.at(mark) + 4, "end", short_number(mark));
  }
  for (const double mark : x_marks) {
    out += rule(x.at(mark), y.from, x.at(mark), y.from + 5, "#000000");
    out += label(x.at(mark), y.from + 19, "middle", short_number(mark));
  }
  out += rule(x.from, y.from, x.to, y.from, "#000000");
  out += label((x.from + x.to) / 2, kHeight - 10, "middle", plot.x_name);
  out += print("<text transform=\"translate(16 %.1f) rotate(-90)\" text-anchor=\"middle\">",
               (y.from + y.to) / 2) +
         escaped(plot.y_name) + "</text>\n";
  double legend = kTop + 6;
  for (std::size_t i = 0; i < plot.lines.size(); ++i) {
    const char* const colour = kColours[i % kColours.size()];
    out += drawn(plot.lines[i], x, y, colour);
    out += print("<path d=\"M%.1f %.1f h24\" stroke-width=\"2\" stroke=\"%s\"%s/>\n", x.to + 16,
                 legend, colour, plot.lines[i].dashed ? " stroke-dasharray=\"6 4\"" : "");
    out += label(x.to + 46, legend + 4, "start", plot.lines[i].name);
    legend += 20;
  }
  return out + "</svg>\n";
}

}  // namespace bench
