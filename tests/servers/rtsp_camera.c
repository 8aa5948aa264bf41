// SPDX-License-Identifier: Apache-2.0
// A network camera for the tests: an H.264 stream at rtsp://127.0.0.1:PORT/cam by GStreamer's RTSP
// server, which is not FFmpeg's work as the client is. Prints its port once it listens; ends by a
// signal.
//
// Usage: rtsp_camera PORT tcp|udp|both none|basic|digest [USER PASSWORD]    (PORT 0: any)
#include <stdio.h>
#include <string.h>

#include <gst/rtsp-server/rtsp-server.h>

// A picture with parts that stand and parts that move, at 15 frames a second.
static const char launch[] =
    "( compositor name=scene sink_1::xpos=40 sink_1::ypos=90 "
    "! video/x-raw,format=I420,width=320,height=240,framerate=15/1 "
    "! openh264enc complexity=low gop-size=15 bitrate=400000 "
    "! h264parse ! rtph264pay name=pay0 pt=96 config-interval=1 "
    "videotestsrc is-live=true pattern=smpte ! video/x-raw,width=320,height=240 ! scene.sink_0 "
    "videotestsrc is-live=true pattern=ball motion=sweep ! video/x-raw,width=160,height=80 "
    "! scene.sink_1 )";

static GstRTSPLowerTrans transport_of(const char *word)
{
    if (!strcmp(word, "tcp"))
        return GST_RTSP_LOWER_TRANS_TCP;
    return !strcmp(word, "udp") ? GST_RTSP_LOWER_TRANS_UDP
                                : GST_RTSP_LOWER_TRANS_TCP | GST_RTSP_LOWER_TRANS_UDP;
}

static void require_login(GstRTSPServer *server, GstRTSPMediaFactory *factory, const char *how,
                          const char *user, const char *password)
{
    GstRTSPAuth *auth = gst_rtsp_auth_new();
    GstRTSPToken *token =
        gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, "viewer", NULL);
    if (!strcmp(how, "digest")) {
        gst_rtsp_auth_set_supported_methods(auth, GST_RTSP_AUTH_DIGEST);
        gst_rtsp_auth_add_digest(auth, user, password, token);
    } else {
        char *basic = gst_rtsp_auth_make_basic(user, password);
        gst_rtsp_auth_add_basic(auth, basic, token);
        g_free(basic);
    }
    gst_rtsp_token_unref(token);
    gst_rtsp_server_set_auth(server, auth);
    g_object_unref(auth);
    gst_rtsp_media_factory_add_role(factory, "viewer", GST_RTSP_PERM_MEDIA_FACTORY_ACCESS,
                                    G_TYPE_BOOLEAN, TRUE, GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT,
                                    G_TYPE_BOOLEAN, TRUE, NULL);
}

static GstRTSPServer *make_server(char **words)
{
    GstRTSPServer *server = gst_rtsp_server_new();
    gst_rtsp_server_set_address(server, "127.0.0.1");
    gst_rtsp_server_set_service(server, words[1]);
    GstRTSPMediaFactory *factory = gst_rtsp_media_factory_new();
    gst_rtsp_media_factory_set_launch(factory, launch);
    gst_rtsp_media_factory_set_shared(factory, TRUE);
    gst_rtsp_media_factory_set_protocols(factory, transport_of(words[2]));
    if (strcmp(words[3], "none") != 0)
        require_login(server, factory, words[3], words[4], words[5]);
    GstRTSPMountPoints *mounts = gst_rtsp_server_get_mount_points(server);
    gst_rtsp_mount_points_add_factory(mounts, "/cam", factory);
    g_object_unref(mounts);
    return server;
}

int main(int argc, char **argv)
{
    gst_init(NULL, NULL);
    if (argc < 4 || (strcmp(argv[3], "none") != 0 && argc < 6)) {
        fprintf(stderr, "usage: rtsp_camera PORT tcp|udp|both none|basic|digest [USER PASSWORD]\n");
        return 2;
    }
    GMainLoop *loop = g_main_loop_new(NULL, FALSE);
    GstRTSPServer *server = make_server(argv);
    if (gst_rtsp_server_attach(server, NULL) == 0) {
        fprintf(stderr, "port %s of 127.0.0.1 can't be listened on\n", argv[1]);
        return 1;
    }
    printf("%d\n", gst_rtsp_server_get_bound_port(server));
    fflush(stdout);
    g_main_loop_run(loop);
    return 0;
}
